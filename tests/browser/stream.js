// Sends logs over a stateful stream, with Node's own HTTP/2 and batches of known bytes.

import { connect } from "node:http2";

import { INTAKE_URL } from "./intake.js";

/** The method of generation A. */
const METHOD = "/datadog.intake.stateful.StatefulLogsService/LogsStream";

/** `ERROR Connection from  timed out after `, with a value at 22 and one at 39. */
const TEMPLATE = "4552524f5220436f6e6e656374696f6e2066726f6d202074696d6564206f757420616674657220";

/** Three logs of one pattern. */
export const THREE_LOGS = datums([
  `0a31080112 27${TEMPLATE}18022202 1627`,
  "1a2a0801 1226 656e763a70726f642c686f73746e616d653a7765622d312c6464736f757263653a6e67696e78",
  "1a090802 1205 6572726f72",
  "3226 0880a0abfef962 1213 120a1a0831302e302e302e35 12051a03343573 2204 0a022001 3202 2002",
  "3217 080e 1213 120a1a0831302e302e302e36 12051a03313273",
  "3217 0805 1213 120a1a0831302e302e302e37 12051a03333073",
]);

/** @type {Set<Stream>} those that a test left open */
const open = new Set();

/** Cuts every stream that a test left open. */
export function cutStreams() {
  for (const stream of open) stream.session.destroy();
  open.clear();
}

/** A stateful stream that is open. */
export class Stream {
  constructor() {
    open.add(this);
    this.session = connect(INTAKE_URL);
    this.stream = this.session.request({
      ":method": "POST",
      ":path": METHOD,
      "content-type": "application/grpc",
      "dd-api-key": "00000000000000000000000000005a3f",
    });
    this.stream.on("data", () => {});
    this.stream.on("error", () => {});
  }

  /** @param {number} id below 128 @param {Buffer} data */
  send(id, data) {
    const batch = Buffer.concat([Buffer.from([0x08, id, 0x12]), varint(data.length), data]);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(batch.length, 1);
    this.stream.write(Buffer.concat([prefix, batch]));
  }

  /** Says that nothing more is sent, and waits for the end. */
  async end() {
    if (!this.stream.destroyed) {
      const ended = new Promise((resolve) => this.stream.on("close", resolve));
      this.stream.end();
      await ended;
    }
    this.session.close();
    open.delete(this);
  }
}

/** @param {string[]} digits each datum in hexadecimal digits, shorter than 128 bytes */
function datums(digits) {
  const all = digits.map((one) => Buffer.from(one.replaceAll(" ", ""), "hex"));
  return Buffer.concat(all.flatMap((datum) => [Buffer.from([0x0a, datum.length]), datum]));
}

/** @param {number} n below 16,384 */
function varint(n) {
  return n < 128 ? Buffer.from([n]) : Buffer.from([(n & 127) | 128, n >> 7]);
}
