// The language of the search box: `service:web status:error -noise "a phrase"`. Pure.
//
// Every term must hold. A bare word or a quoted phrase is looked for in the whole record, whatever its case. `field:value`
// compares a field, or a tag where there is no such field, whole and whatever its case; `*` stands for anything, and
// `>`, `>=`, `<`, `<=` compare numbers. `-` before a term refuses it. Nothing typed is an error: what cannot be a field
// is text.

/**
 * What a search can ask of a record.
 * @typedef {object} Searchable
 * @property {string} text the main text
 * @property {string} rest every other value worth finding, joined
 */

/**
 * @typedef {object} Term
 * @property {boolean} refused
 * @property {string | null} field
 * @property {string} value
 */

/**
 * @template {Searchable} R
 * @typedef {object} Query
 * @property {(record: R) => boolean} matches
 * @property {RegExp | null} marks finds in the main text what should be highlighted; global
 * @property {boolean} isEmpty
 */

/** A term: an optional minus, an optional `field:` (but not the `https:` of an address), then a quoted phrase or a word. */
const TERM = /(-?)(?:([\p{L}_@][\p{L}\p{N}_.@/-]*):(?!\/\/))?(?:"((?:[^"\\]|\\.)*)"?|([^\s"]\S*))/gu;

/** @param {string} source @returns {Term[]} */
export function parse(source) {
  const terms = [];
  for (const [, minus, field, phrase, word] of source.matchAll(TERM)) {
    const value = phrase === undefined ? word : phrase.replace(/\\(.)/g, "$1");
    if (value !== "") terms.push({ refused: minus === "-", field: field ?? null, value });
  }
  return terms;
}

/**
 * @template {Searchable} R
 * @param {string} source
 * @param {(record: R, field: string) => unknown} valueOf the value or values of a field, `undefined` when it has none
 * @returns {Query<R>}
 */
export function compile(source, valueOf) {
  const terms = parse(source);
  const tests = terms.map((term) => testOf(term, valueOf));
  const words = terms.filter((term) => term.field === null && !term.refused).map((term) => escaped(term.value));
  return {
    matches: (record) => tests.every((test) => test(record)),
    marks: words.length > 0 ? new RegExp(words.join("|"), "giu") : null,
    isEmpty: terms.length === 0,
  };
}

/**
 * The text of a term that finds exactly this value of a field.
 * @param {string} field
 * @param {string} value
 */
export function termFor(field, value) {
  const bare = /^[^\s"/][^\s"]*$/u.test(value);
  return `${field}:${bare ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`;
}

/**
 * @template {Searchable} R
 * @param {Term} term
 * @param {(record: R, field: string) => unknown} valueOf
 * @returns {(record: R) => boolean}
 */
function testOf(term, valueOf) {
  const positive = term.field === null ? textTest(term.value) : fieldTest(term.field, term.value, valueOf);
  return term.refused ? (record) => !positive(record) : positive;
}

/** @param {string} value @returns {(record: Searchable) => boolean} */
function textTest(value) {
  const found = new RegExp(escaped(value), "iu");
  return (record) => found.test(record.text) || found.test(record.rest);
}

/**
 * @template {Searchable} R
 * @param {string} field
 * @param {string} value
 * @param {(record: R, field: string) => unknown} valueOf
 * @returns {(record: R) => boolean}
 */
function fieldTest(field, value, valueOf) {
  const wanted = valueTest(value);
  return (record) => {
    const found = valueOf(record, field);
    return Array.isArray(found) ? found.some(wanted) : found !== undefined && wanted(found);
  };
}

/** @param {string} value @returns {(found: unknown) => boolean} */
function valueTest(value) {
  const comparison = /^(>=|<=|>|<)(-?\d+(?:\.\d+)?)$/.exec(value);
  if (comparison) return numberTest(comparison[1], Number(comparison[2]));
  const pattern = value.split("*").map(escaped).join(".*");
  const whole = new RegExp(`^${pattern}$`, "isu");
  return (found) => whole.test(String(found));
}

/** @param {string} operator @param {number} limit @returns {(found: unknown) => boolean} */
function numberTest(operator, limit) {
  const compare = {
    ">": (/** @type {number} */ n) => n > limit,
    ">=": (/** @type {number} */ n) => n >= limit,
    "<": (/** @type {number} */ n) => n < limit,
    "<=": (/** @type {number} */ n) => n <= limit,
  }[operator];
  return (found) => typeof found !== "object" && found !== "" && compare !== undefined && compare(Number(found));
}

/** @param {string} text a text in which no character has a special meaning to RegExp any more */
function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
