// What the real socket.io-client sees of a server. The same cases run against `wsdemo serve` and against the express server:
//
//   node socketio.mjs http://127.0.0.1:3001
//   node socketio.mjs http://127.0.0.1:0 wsdemo serve --port {port}
//
// With a command it starts the server itself, and can kill it and start it again; port 0 is any free one, which stands for
// {port} in the command and in the environment as PORT. Without a command these cases are left out. ONLY=rooms;restart in the
// environment runs the cases with one of these in their names.
//
// It prints a line for each case, and at the end one line of JSON: what was seen, without what differs from run to run.

import assert from "node:assert/strict";
import { Server } from "../../../examples/react-client/test/server.js";
import { BURST, callAt, caller, connected, hangUp, inOrder, limited, listening, Manager, next, readable, settled, stored } from "./socketio-client.mjs";

/// What only a broken server takes for all cases, milliseconds.
const LIMIT_OF_ALL = 90_000;

const server = await Server.at(process.argv[2], process.argv.slice(3));
callAt(server.url);
const ways = { websocket: ["websocket"], polling: ["polling"] };

// -- The cases ----------------------------------------------------------------------------------------------------------------

const cases = [];
const only = process.env.ONLY?.split(";") ?? [""];
const add = (name, run) => only.some((part) => name.includes(part)) && cases.push({ name, run });
const both = (name, run) => Object.entries(ways).forEach(([way, transports]) => add(`${name}: ${way}`, () => run({ transports })));

both("connects", async (options) => {
  const { socket } = await connected(options);
  const { name } = socket.io.engine.transport;
  await settled({ ask: (...event) => socket.emitWithAck(...event) });
  return { transport: name, after: socket.io.engine.transport.name, recovered: socket.recovered };
});

add("polling, then the upgrade to a WebSocket", async () => {
  const client = caller();
  const seen = [];
  client.socket.io.engine.on("open", () => seen.push(`open: ${client.socket.io.engine.transport.name}`));
  const upgraded = next(client.socket.io.engine, "upgrade");
  await next(client.socket, "connect");
  const [transport] = await upgraded;
  seen.push(`upgrade: ${transport.name}`);
  return { seen, echo: await client.ask("echo", "over the WebSocket") };
});

add("the WebSocket is tried first where one asks for it", async () => {
  const client = await connected({ transports: ["websocket", "polling"] });
  return client.socket.io.engine.transport.name;
});

both("echo is acknowledged with its payload", async (options) => {
  const client = await connected(options);
  const payloads = {
    string: "hello",
    empty: "",
    unicode: "Größe, 日本語, 🦀, \u2028, \0, \"quoted\\\"",
    number: 42,
    fraction: -0.5,
    null: null,
    true: true,
    array: [1, "two", [3, null]],
    object: { z: 1, a: { list: [1, { deep: true }], text: "x" } },
    "looks like a placeholder": { _placeholder: true },
    "60 KB": "x".repeat(60_000),
  };
  const seen = {};
  for (const [name, payload] of Object.entries(payloads)) {
    const answer = await client.ask("echo", payload);
    // As text: the order of an object's members shows too.
    seen[name] = JSON.stringify(answer);
    assert.deepEqual(answer, payload, name);
  }
  seen["60 KB"] = seen["60 KB"].length;
  return seen;
});

both("binary comes back as it was", async (options) => {
  const client = await connected(options);
  const all = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  const large = Buffer.alloc(40_000, 7);
  const payloads = [
    all,
    Buffer.alloc(0),
    large,
    { name: "photo", data: all, parts: [Buffer.from("a"), { more: Buffer.from("b") }] },
    [Buffer.from([1, 2, 3])],
  ];
  const seen = [];
  for (const payload of payloads) {
    const answer = await client.ask("echo", payload);
    assert.deepEqual(answer, payload);
    seen.push(readable(answer));
  }
  seen[2] = seen[2].bytes;
  return seen;
});

both("a message is heard by everyone, the sender too", async (options) => {
  const [anna, ben, cara] = await Promise.all([connected(options), connected(options), connected()]);
  const said = [
    "GOAL! 1-0",
    "",
    { from: "anna", text: "Yes!" },
    { from: "anna", text: "more than that", extra: 1 },
    { from: "anna" },
    { from: 7, text: "from a number" },
    { z: 1, a: [1, "two", null] },
    7,
    -0.5,
    null,
    true,
    [1, "two"],
    "日本語 🦀",
  ];
  said.forEach((data) => anna.socket.emit("message", data));
  const acknowledged = await anna.ask("message", "acknowledged");
  said.push("acknowledged");
  const heard = await anna.hears(said.length);
  assert.deepEqual(heard.at(-1), [acknowledged], "the acknowledgement is what all hear");
  assert.deepEqual(await ben.hears(said.length), heard);
  assert.deepEqual(await cara.hears(said.length), heard);
  const ids = heard.map(([message]) => message.id);
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b), "ids rise");
  for (const client of [anna, ben, cara]) {
    await settled(client);
    assert.equal(client.heard.length, said.length, "once each");
  }
  return heard.map((message) => JSON.stringify(stored(message)));
});

both("rooms with three clients", async (options) => {
  const [anna, ben, cara] = await Promise.all([connected(options), connected(options), connected(options)]);
  const seen = { join: [await anna.ask("join", "red"), await ben.ask("join", "red")] };
  const payloads = [
    "bare text",
    { goal: "1-0" },
    7,
    null,
    ["a", { b: 1 }],
    Buffer.from([0, 255]),
    { photo: Buffer.from("photo"), list: [Buffer.alloc(0)] },
  ];
  const hear = async (clients, count) => {
    const heard = [];
    for (const client of clients) heard.push(readable(await client.hears(count)));
    for (const client of [anna, ben, cara]) await settled(client);
    return heard;
  };
  payloads.forEach((payload) => anna.socket.emit("room-message", "red", payload));
  seen.members = await hear([anna, ben], payloads.length);
  assert.deepEqual(anna.heard, payloads.map((payload) => [payload]));
  seen.outsider = cara.heard.length;
  cara.socket.emit("room-message", "red", "from outside");
  seen.fromOutside = await hear([anna, ben], payloads.length + 1).then((heard) => heard.map((all) => all.at(-1)));
  seen.outsiderSaysIt = cara.heard.length;
  seen.leave = await ben.ask("leave", "red");
  for (const client of [anna, ben]) client.forget();
  anna.socket.emit("room-message", "red", "without ben");
  seen.afterLeaving = await hear([anna], 1);
  seen.whoLeft = ben.heard.length;
  seen.leaveAgain = await ben.ask("leave", "never joined");
  seen.joinTwice = [await anna.ask("join", "red"), await anna.ask("join", "red")];
  anna.socket.emit("room-message", "red", "once");
  await hear([anna], 2);
  seen.whoJoinedTwice = anna.heard.length;
  return seen;
});

both("the id of a socket is a room of its own", async (options) => {
  const [anna, ben] = await Promise.all([connected(options), connected(options)]);
  anna.socket.emit("room-message", ben.socket.id, "for ben alone");
  await ben.hears(1);
  await settled(anna);
  return [ben.heard, anna.heard.length];
});

both("one client in two rooms", async (options) => {
  const [anna, ben] = await Promise.all([connected(options), connected(options)]);
  for (const room of ["red", "blue"]) await anna.ask("join", room);
  await ben.ask("join", "blue");
  anna.socket.emit("room-message", "red", "red");
  anna.socket.emit("room-message", "blue", "blue");
  anna.socket.emit("room-message", "nobody's", "lost");
  await anna.hears(2);
  await ben.hears(1);
  await Promise.all([settled(anna), settled(ben)]);
  return [anna.heard, ben.heard];
});

both("1,000 echoes are acknowledged in order", async (options) => {
  const client = await connected(options);
  const acknowledged = [];
  await limited(
    new Promise((resolve) => {
      for (let n = 0; n < BURST; n++) {
        client.socket.emit("echo", n, (answer) => {
          acknowledged.push(answer);
          if (acknowledged.length === BURST) resolve();
        });
      }
    }),
    "the last acknowledgement",
  );
  await settled(client);
  return inOrder(acknowledged);
});

add("1,000 echoes in order through the upgrade", async () => {
  const client = caller();
  const acknowledged = [];
  const upgraded = next(client.socket.io.engine, "upgrade");
  await next(client.socket, "connect");
  await limited(
    new Promise((resolve) => {
      // In turns, so that some go before the upgrade, some meanwhile and some after it.
      const some = (from) => {
        for (let n = from; n < from + 50; n++) {
          client.socket.emit("echo", n, (answer) => {
            acknowledged.push(answer);
            if (acknowledged.length === BURST) resolve();
          });
        }
        if (from + 50 < BURST) setImmediate(some, from + 50);
      };
      some(0);
    }),
    "the last acknowledgement",
  );
  await upgraded;
  await settled(client);
  return inOrder(acknowledged);
});

add("1,000 room messages in order through the upgrade of who hears them", async () => {
  const [anna, ben] = [await connected({ transports: ["websocket"] }), caller()];
  const upgraded = next(ben.socket.io.engine, "upgrade");
  await next(ben.socket, "connect");
  await ben.ask("join", "upgrading");
  const some = (from) => {
    for (let n = from; n < from + 50; n++) anna.socket.emit("room-message", "upgrading", n);
    if (from + 50 < BURST) setImmediate(some, from + 50);
  };
  some(0);
  await upgraded;
  await ben.hears(BURST);
  await settled(ben);
  return inOrder(ben.heard.map(([n]) => n));
});

both("messages, room messages and acknowledgements keep their order", async (options) => {
  const [anna, ben] = await Promise.all([connected(options), connected(options)]);
  await Promise.all([anna.ask("join", "mixed"), ben.ask("join", "mixed")]);
  for (let n = 0; n < BURST; n += 2) {
    anna.socket.emit("message", { from: "anna", text: String(n) });
    anna.socket.emit("room-message", "mixed", { text: String(n + 1) });
  }
  for (const client of [anna, ben]) {
    await client.hears(BURST);
    await settled(client);
    inOrder(client.heard.map(([{ text }]) => Number(text)));
  }
  return BURST;
});

both("1,000 messages are heard in order by another", async (options) => {
  const [anna, ben, cara] = await Promise.all([connected(options), connected(options), connected()]);
  for (let n = 0; n < BURST; n++) anna.socket.emit("message", { from: "anna", text: String(n) });
  for (const client of [anna, ben, cara]) {
    await client.hears(BURST);
    await settled(client);
    inOrder(client.heard.map(([message]) => Number(message.text)));
  }
  return BURST;
});

both("1,000 room messages are heard in order by another", async (options) => {
  const [anna, ben] = await Promise.all([connected(options), connected(options)]);
  await Promise.all([anna.ask("join", "burst"), ben.ask("join", "burst")]);
  for (let n = 0; n < BURST; n++) anna.socket.emit("room-message", "burst", n);
  for (const client of [anna, ben]) {
    await client.hears(BURST);
    await settled(client);
    inOrder(client.heard.map(([n]) => n));
  }
  return BURST;
});

both("1,000 room messages with binary are heard in order by another", async (options) => {
  const [anna, ben] = await Promise.all([connected(options), connected(options)]);
  await Promise.all([anna.ask("join", "burst"), ben.ask("join", "burst")]);
  for (let n = 0; n < BURST; n++) anna.socket.emit("room-message", "burst", { n, bytes: Buffer.from(String(n)) });
  await ben.hears(BURST);
  await settled(ben);
  assert.deepEqual(ben.heard[BURST - 1], [{ n: BURST - 1, bytes: Buffer.from(String(BURST - 1)) }]);
  return inOrder(ben.heard.map(([{ bytes }]) => Number(bytes.toString())));
});

both("an unknown namespace is refused", async (options) => {
  const { socket } = caller(options, "/nobody");
  const [error] = await next(socket, "connect_error");
  return { message: error.message, connected: socket.connected, active: socket.active };
});

both("/class has rooms of its own and the same list", async (options) => {
  const [pupil, classmate, other] = await Promise.all([
    connected(options, "/class"),
    connected(options, "/class"),
    connected(options),
  ]);
  for (const client of [pupil, classmate, other]) await client.ask("join", "red");
  pupil.socket.emit("room-message", "red", "to the class");
  await classmate.hears(1);
  await settled(other);
  const seen = { classmate: readable(classmate.heard), other: other.heard.length };
  for (const client of [pupil, classmate, other]) client.forget();
  other.socket.emit("message", "to all");
  pupil.socket.emit("message", { from: "pupil", text: "from the class" });
  seen.list = [];
  for (const client of [pupil, classmate, other]) {
    const heard = await client.hears(2);
    await settled(client);
    seen.list.push(heard.map((message) => stored(message).text).sort());
  }
  return seen;
});

both("several namespaces over one connection", async (options) => {
  const manager = new Manager(server.url, { forceNew: true, reconnection: false, ...options });
  const [here, pupil, nobody] = ["/", "/class", "/nobody"].map((name) => listening(manager.socket(name)));
  const refused = next(nobody.socket, "connect_error");
  await Promise.all([next(here.socket, "connect"), next(pupil.socket, "connect")]);
  const seen = { refused: (await refused)[0].message };
  seen.echoes = await Promise.all([here.ask("echo", "here"), pupil.ask("echo", "class")]);
  here.socket.emit("message", "once for each");
  seen.heard = (await Promise.all([here.hears(1), pupil.hears(1)])).map(([message]) => stored(message));
  await pupil.ask("join", "red");
  const gone = next(pupil.socket, "disconnect");
  pupil.socket.disconnect();
  [seen.left] = await gone;
  seen.other = [here.socket.connected, await here.ask("echo", "still there")];
  pupil.forget();
  const back = next(pupil.socket, "connect");
  pupil.socket.connect();
  await back;
  pupil.socket.emit("room-message", "red", "is anybody there?");
  await settled(pupil);
  seen.roomAfterComingBack = pupil.heard.length;
  return seen;
});

both("the client disconnects, and connects again", async (options) => {
  const client = await connected(options);
  const { socket } = client;
  await client.ask("join", "red");
  const before = socket.id;
  const gone = next(socket, "disconnect");
  socket.disconnect();
  const [reason] = await gone;
  const seen = { reason, connected: socket.connected, id: typeof socket.id };
  socket.emit("echo", "kept until connected", (answer) => (seen.buffered = answer));
  const back = next(socket, "connect");
  socket.connect();
  await back;
  await settled(client);
  seen.sameId = socket.id === before;
  client.socket.emit("room-message", "red", "no longer a member");
  await settled(client);
  seen.heard = client.heard.length;
  return seen;
});

both("the connection is lost, and the client comes back by itself", async (options) => {
  const client = await connected({ ...options, reconnection: true, reconnectionDelay: 20 });
  const { socket } = client;
  const gone = next(socket, "disconnect");
  const back = new Promise((resolve) => gone.then(() => socket.once("connect", resolve)));
  socket.io.engine.close();
  const [reason] = await gone;
  await limited(back, "connect");
  return { reason, recovered: socket.recovered, echo: await client.ask("echo", "back") };
});

if (server.command) {
  for (const [way, transports] of Object.entries({ ...ways, upgrade: ["polling", "websocket"] })) {
    add(`the server is killed and comes back: ${way}`, () => restart({ transports }));
  }
}

async function restart(options) {
  const client = caller({ ...options, reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 });
  const { socket } = client;
  const upgraded = options.transports.length > 1 && next(socket.io.engine, "upgrade");
  const seen = { connects: 0 };
  socket.on("connect", () => seen.connects++);
  await next(socket, "connect");
  await upgraded;
  await client.ask("join", "red");
  socket.emit("message", "before");
  await client.hears(1);
  const [before, gone] = [socket.id, next(socket, "disconnect")];
  await server.kill();
  [seen.reason] = await gone;
  seen.active = socket.active;
  socket.emit("message", "while it was away");
  await next(socket.io, "reconnect_error");
  const back = next(socket, "connect");
  await server.start();
  await back;
  socket.emit("message", "after");
  socket.emit("room-message", "red", "no longer a member");
  await client.hears(3);
  await settled(client);
  seen.heard = client.heard.map((message) => stored(message).text);
  return { ...seen, sameId: socket.id === before, recovered: socket.recovered };
}

// -- The run ------------------------------------------------------------------------------------------------------------------

const results = {};
let failed = 0;
await server.start();
console.log(`1..${cases.length}`);
for (const [index, { name, run }] of cases.entries()) {
  try {
    assert.ok(performance.now() < LIMIT_OF_ALL, "not run: those before took too long");
    results[name] = (await run()) ?? null;
    console.log(`ok ${index + 1} - ${name}`);
  } catch (error) {
    failed++;
    results[name] = `failed: ${error.message}`;
    console.log(`not ok ${index + 1} - ${name}\n${error.stack.replace(/^/gm, "  # ")}`);
  }
  hangUp();
}
await server.kill();
console.log(JSON.stringify(results));
process.exit(failed ? 1 : 0);
