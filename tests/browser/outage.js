// A door in front of the intake that can be shut and opened again, for tests of what the page does meanwhile.

import { connect, createServer } from "node:net";

/** @param {string} target the address of the intake */
export async function door(target) {
  const { hostname, port } = new URL(target);
  /** @type {Set<import("node:net").Socket>} */
  const open = new Set();
  const make = () =>
    createServer((inner) => {
      const outer = connect(Number(port), hostname);
      for (const socket of [inner, outer]) {
        open.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => open.delete(socket));
      }
      inner.on("close", () => outer.destroy());
      outer.on("close", () => inner.destroy());
      inner.pipe(outer).pipe(inner);
    });
  let server = make();
  const listen = (/** @type {number} */ at) => new Promise((resolve) => server.listen(at, "127.0.0.1", () => resolve(undefined)));
  await listen(0);
  const at = /** @type {import("node:net").AddressInfo} */ (server.address()).port;
  return {
    address: `http://127.0.0.1:${at}/`,
    async shut() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
    async reopen() {
      server = make();
      await listen(at);
    },
  };
}
