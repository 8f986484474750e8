// Fields of protobuf messages, written without any of the project's encoders.

/** @param {bigint} value @returns {Buffer} */
function varint(value) {
  const bytes = [];
  for (let left = value; ; left >>= 7n) {
    if (left < 0x80n) return Buffer.from([...bytes, Number(left)]);
    bytes.push(Number(left & 0x7fn) | 0x80);
  }
}

/** @param {number} field @param {bigint} value */
export function number(field, value) {
  return Buffer.concat([varint(BigInt(field * 8)), varint(value)]);
}

/** @param {number} field @param {Buffer} bytes */
export function message(field, bytes) {
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(bytes.length)), bytes]);
}

/** @param {number} field @param {string} value */
export function text(field, value) {
  return message(field, Buffer.from(value));
}

/** @param {number} field @param {number} value */
export function double(field, value) {
  const bytes = Buffer.alloc(9);
  bytes[0] = field * 8 + 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}
