// Clients of the real socket.io-client, and what the cases of socketio.mjs ask of them.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../examples/react-client/package.json", import.meta.url));
const { io, Manager } = require("socket.io-client");
export { Manager };

/// What only a broken server takes for one thing, milliseconds.
const LIMIT = 20_000;
export const BURST = 1_000;

let url;
let opened = [];

/// Where all clients call from now on.
export const callAt = (address) => (url = address);

export function hangUp() {
  opened.forEach(({ socket }) => socket.disconnect());
  opened = [];
}

/// The promise, or after the limit an error that says what did not come.
export function limited(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never: ${typeof what === "function" ? what() : what}`)), LIMIT);
  });
  const first = Promise.race([promise, late]).finally(() => clearTimeout(timer));
  // Nobody waits for it any more where the case has failed before.
  first.catch(() => {});
  return first;
}

export const next = (emitter, event) =>
  limited(new Promise((resolve) => emitter.once(event, (...data) => resolve(data))), event);

/// A client that has called, and may be connected soon. What it hears as `message` is kept.
export function caller(options = {}, namespace = "/") {
  const socket = io(url + namespace, { forceNew: true, reconnection: false, ...options });
  return listening(socket);
}

export function listening(socket) {
  const heard = [];
  let look = () => {};
  let gone = "";
  socket.on("disconnect", (reason) => (gone = `, then ${reason}`));
  socket.on("message", (...data) => {
    heard.push(data);
    look();
  });
  const until = (holds, what) =>
    limited(
      new Promise((resolve) => {
        look = () => holds() && resolve(heard);
        look();
      }),
      what,
    );
  const client = {
    socket,
    heard,
    /// Waits for the first so many messages.
    hears: (count) => until(() => heard.length >= count, () => `message ${count}; heard ${heard.length}${gone}`),
    /// What it is acknowledged with.
    ask: (...event) => limited(socket.emitWithAck(...event), `acknowledgement of ${event[0]}`),
    /// Forgets what it has heard.
    forget: () => heard.splice(0).length,
  };
  opened.push(client);
  return client;
}

export async function connected(options, namespace) {
  const client = caller(options, namespace);
  await limited(
    new Promise((resolve, reject) => {
      client.socket.once("connect", resolve);
      client.socket.once("connect_error", reject);
    }),
    "connect",
  );
  return client;
}

/// After this, all that was said to this client before has come: what did not, was not said.
export const settled = (client) => client.ask("echo", "settled");

/// Ids differ from run to run.
export const stored = ([{ id, ...rest }]) => {
  assert.equal(typeof id, "number");
  return rest;
};

/// Binary, readable in JSON.
export const readable = (data) =>
  JSON.parse(
    JSON.stringify(data, function (key, value) {
      const raw = this[key];
      return Buffer.isBuffer(raw) ? { binary: raw.toString("hex"), bytes: raw.length } : value;
    }) ?? "null",
  );

export const inOrder = (numbers) => {
  assert.deepEqual(numbers, Array.from({ length: BURST }, (_, n) => n), "all, once each, in order");
  return numbers.length;
};
