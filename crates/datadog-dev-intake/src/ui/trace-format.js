// Durations of spans in words. Pure.

/** @param {number} ns @returns {string} "0 ns", "12.5 µs", "1.50 ms", "2.04 s" */
export function nanoseconds(ns) {
  if (!Number.isFinite(ns)) return "–";
  const units = ["ns", "µs", "ms", "s"];
  let unit = 0;
  let value = ns;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** A time of the wire in milliseconds. @param {string} ns @returns {number} */
export function millisecondsOf(ns) {
  return Number(BigInt(ns) / 1_000_000n);
}
