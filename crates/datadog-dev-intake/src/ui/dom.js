// Makes elements. Data enters the document only as text nodes and attribute values, never as markup.

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Properties starting with `on` are listeners; `class`, `role`, `aria-*`, `data-*`, `for` and the
 * like are attributes; `true` writes an empty attribute and `false`, `null` or `undefined` writes none.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {any} the element; its exact type follows from `tag`
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

/**
 * Replaces everything inside an element.
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
}

/**
 * Sets the text of an element unless it already says so, which spares a layout.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Text with what was found in it marked.
 * @param {string} text
 * @param {RegExp | null} marks
 * @returns {(string | HTMLElement)[]}
 */
export function marked(text, marks) {
  if (!marks) return [text];
  const pieces = [];
  let end = 0;
  for (const found of text.matchAll(marks)) {
    pieces.push(text.slice(end, found.index), h("mark", {}, found[0]));
    end = found.index + found[0].length;
  }
  return [...pieces, text.slice(end)];
}

/** Puts elements in this order, and leaves those alone that stand right already, with the focus in them. @param {HTMLElement} list @param {HTMLElement[]} elements */
export function arrange(list, elements) {
  const isSame = elements.length === list.children.length && elements.every((one, index) => one === list.children[index]);
  if (isSame) return;
  const wanted = new Set(elements);
  for (const child of [...list.children]) {
    if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  }
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * Calls `run` at most once per animation frame, however often it is asked.
 * @param {() => void} run
 * @returns {() => void}
 */
export function oncePerFrame(run) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      run();
    });
  };
}

/**
 * Calls `run` at once, then at most once per `pause` milliseconds; the last call is never lost.
 * @param {() => void} run
 * @param {number} pause
 * @returns {() => void}
 */
export function throttled(run, pause) {
  let resting = false;
  let again = false;
  const wake = () => {
    resting = false;
    if (again) call();
  };
  const call = () => {
    again = resting;
    if (resting) return;
    resting = true;
    run();
    setTimeout(wake, pause);
  };
  return call;
}
