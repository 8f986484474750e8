// Turns numbers, times and untrusted text into what a person reads. Pure: knows neither the document nor the network.

const grouped = new Intl.NumberFormat("en-US");

/** @param {number} n @returns {string} "12,034" */
export function count(n) {
  return grouped.format(n);
}

/** @param {number} n @param {string} one @param {string} [many] @returns {string} "1 log", "2 logs" */
export function counted(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** @param {number} n @returns {string} at most five characters: "998", "12.4k", "3.1M" */
export function compact(n) {
  if (n < 1_000) return String(Math.round(n));
  if (n < 999_500) return `${bare(threeDigits(n / 1_000))}k`;
  return `${bare(threeDigits(n / 1_000_000))}M`;
}

/** @param {number} n @returns {string} a value of any size in at most four digits: "0", "0.25", "1234", "12.35k", "5G", "3.20e-7" */
export function figure(n) {
  if (!Number.isFinite(n)) return "–";
  const size = Math.abs(n);
  if (size !== 0 && (size < 0.0001 || size >= 1e15)) return n.toExponential(2);
  const units = ["", "k", "M", "G", "T"];
  let unit = 0;
  let value = n;
  while (Math.abs(value) >= (unit === 0 ? 9_999.5 : 999.95) && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}

/** @param {number} n @returns {string} decimal units: "912 B", "1.24 MB" */
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = n;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${threeDigits(value)} ${units[unit]}`;
}

/** @param {number} raw @param {number} wire @returns {string} how many times smaller it travelled: "8.4×" */
export function ratio(raw, wire) {
  return raw > 0 && wire > 0 ? `${(raw / wire).toFixed(1)}×` : "–";
}

/** @param {number} milliseconds whole ones @returns {string} "< 1 ms", "18 ms", "2.5 s", "3 min" */
export function duration(milliseconds) {
  const size = Math.abs(milliseconds);
  if (size < 1) return "< 1 ms";
  if (size < 1_000) return `${Math.round(milliseconds)} ms`;
  if (size < 60_000) return `${bare(threeDigits(milliseconds / 1_000))} s`;
  if (size < 5_400_000) return `${Math.round(milliseconds / 60_000)} min`;
  if (size < 172_800_000) return `${Math.round(milliseconds / 3_600_000)} h`;
  return `${Math.round(milliseconds / 86_400_000)} days`;
}

/** @param {number} perSecond @returns {string} */
export function rate(perSecond) {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : compact(perSecond);
}

/** @param {number} at milliseconds since the epoch @returns {string} local "14:03:07.123" */
export function clock(at) {
  const date = new Date(at);
  return `${clockSeconds(at)}.${pad(date.getMilliseconds(), 3)}`;
}

/** @param {number} at @returns {string} local "14:03:07" */
export function clockSeconds(at) {
  const date = new Date(at);
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}`;
}

/** @param {number} at @returns {string} local "2026-03-01" */
export function day(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)}`;
}

/** @param {number} at @returns {string} local date and time with milliseconds */
export function dateTime(at) {
  return `${day(at)} ${clock(at)}`;
}

/** @param {number} value @returns {string} three significant digits */
function threeDigits(value) {
  const size = Math.abs(value);
  if (size >= 100) return String(Math.round(value));
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** @param {string} digits @returns {string} without needless zeros */
function bare(digits) {
  return digits.replace(/\.0+$|(\.\d*[1-9])0+$/, "$1");
}

/** @param {number} n @param {number} width */
function pad(n, width) {
  return String(n).padStart(width, "0");
}

// Control characters, and the invisible characters that reorder or hide text around them.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const INVISIBLE_IN_BLOCK = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Text for one line: whatever is invisible or would break the line is shown as a sign of its own.
 * @param {string} text
 * @param {number} [longest] what is beyond this many UTF-16 units is replaced by an ellipsis
 */
export function oneLine(text, longest = 600) {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return cut.replace(INVISIBLE, sign);
}

/** Text for a block: like `oneLine`, but line breaks and tabs stay what they are. @param {string} text */
export function block(text) {
  return text.replace(/\r\n/g, "\n").replace(INVISIBLE_IN_BLOCK, sign);
}

/** @param {string} character */
function sign(character) {
  const code = character.charCodeAt(0);
  if (code === 10) return "↵";
  if (code === 9) return "⇥";
  if (code < 32) return String.fromCharCode(0x2400 + code);
  if (code === 127) return "␡";
  return `⟨${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
