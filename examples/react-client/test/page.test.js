// The page in a real Chromium, through Vite's proxy, beside a real server.
//
//   npm test                                     beside ../express-server
//   WSDEMO=/path/to/wsdemo npm test              beside wsdemo
//   EXPRESS=/path/to/server.js npm test          beside another server of that kind
//   CHROMIUM=/path/to/chromium npm test          with another browser than the system's

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build, createServer, preview } from "vite";
import { freePort, Server } from "./server.js";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const root = fileURLToPath(new URL("..", import.meta.url));
const { WSDEMO, EXPRESS = fileURLToPath(new URL("../../express-server/server.js", import.meta.url)) } = process.env;

let server, vite, browser, port, origin, builtPort;

before(async () => {
  [port, builtPort] = [await freePort(), await freePort()];
  origin = `http://localhost:${port}`;
  const letIn = [port, builtPort].flatMap((port) => ["--allow-origin", `http://localhost:${port}`]);
  const command = WSDEMO ? [WSDEMO, "serve", "--port", "{port}", ...letIn] : [process.execPath, EXPRESS];
  server = await Server.at("http://127.0.0.1:0", command);
  await server.start();
  vite = await develop();
  browser = await chromium.launch({ ...installed(), args: FLAGS });
});

after(async () => {
  await browser?.close();
  await vite?.close();
  await server?.kill();
});

async function develop() {
  process.env.SERVER = server.url;
  const vite = await createServer({ root, logLevel: "silent", server: { port, strictPort: true } });
  return vite.listen();
}

function installed() {
  const paths = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"];
  const executablePath = paths.find((path) => path && existsSync(path));
  return executablePath ? { executablePath } : { channel: "chrome" };
}

// -- A tab --------------------------------------------------------------------------------------------------------------------

let complaints, away;

beforeEach(() => {
  complaints = [];
  away = false;
});

/// A page of its own, with what a person sees of it.
async function tab(query = "", address = origin) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complain = (words) => away || complaints.push(words);
  page.on("pageerror", (error) => complain(error.stack));
  page.on("console", (line) => ["error", "warning"].includes(line.type()) && complain(line.text()));
  // Asked for before it can come.
  const socket = page.waitForEvent("websocket", (socket) => socket.url().includes("/socket.io/"));
  socket.catch(() => "the tab was closed before");
  await page.goto(address + query);
  return {
    page,
    socket: async () => (await socket).url(),
    close: () => context.close(),
    button: (name) => page.getByRole("button", { name, exact: true }),
    turn: (name) => page.getByLabel(name),
    lamp: (words) => page.getByRole("status").getByText(words, { exact: true }).waitFor(),
    listeners: (words) => page.getByRole("status").getByText(`calls ${words} for`).waitFor(),
    async send(text) {
      await page.getByLabel("Text").fill(text);
      await page.getByRole("button", { name: "Send" }).click();
    },
    /// Until this stands last in the list.
    heard: (text) => page.getByRole("list", { name: "Heard" }).getByRole("listitem").last().filter({ hasText: text }).waitFor(),
    list: () => page.getByRole("list", { name: "Heard" }).getByRole("listitem").allInnerTexts(),
  };
}

const connected = async (...args) => {
  const opened = await tab(...args);
  await opened.lamp("● connected");
  return opened;
};

/// How often a message is shown. What comes after it in order has come too, as often.
async function shown(tab, name) {
  const text = `${name} ${Math.random()}`;
  await tab.send(text);
  await tab.heard(text);
  await tab.send(`${text} is over`);
  await tab.heard(`${text} is over`);
  return (await tab.list()).filter((line) => line === `anna ${text}`).length;
}

// -- The tests ----------------------------------------------------------------------------------------------------------------

test("the lamp is on when the page is connected, and two tabs hear each other, once each", async () => {
  const [anna, ben] = [await connected(), await connected()];
  await anna.page.getByText("Nothing yet.").waitFor();
  await anna.send("from anna");
  await ben.heard("from anna");
  await ben.page.getByLabel("From").fill("ben");
  await ben.send("from ben");
  for (const each of [anna, ben]) {
    await each.heard("from ben");
    assert.deepEqual(await each.list(), ["anna from anna", "ben from ben"]);
  }
  await anna.close();
  await ben.close();
  assert.deepEqual(complaints, []);
});

test("the button disconnects and connects; what was sent meanwhile goes out once", async () => {
  const [anna, ben] = [await connected(), await connected()];
  await anna.button("Disconnect").click();
  await anna.lamp("○ not connected");
  await ben.send("anna misses this");
  await ben.heard("anna misses this");
  await anna.send("kept");
  assert.deepEqual(await anna.list(), []);
  await anna.button("Connect").click();
  await anna.lamp("● connected");
  await anna.heard("kept");
  assert.equal(await shown(anna, "after"), 1);
  assert.equal((await anna.list())[0], "anna kept", "nothing that was missed comes later");
  assert.deepEqual((await ben.list()).slice(0, 2), ["anna anna misses this", "anna kept"]);
  await anna.close();
  await ben.close();
  assert.deepEqual(complaints, []);
});

test("the server is killed and comes back: the lamp follows by itself, and messages come once each", async () => {
  const [anna, ben] = [await connected(), await connected()];
  for (let time = 1; time <= 2; time++) {
    away = true;
    await server.kill();
    await Promise.all([anna.lamp("○ not connected"), ben.lamp("○ not connected")]);
    await server.start();
    await Promise.all([anna.lamp("● connected"), ben.lamp("● connected")]);
    away = false;
    assert.equal(await shown(anna, `after ${time}`), 1);
    await ben.heard(`after ${time}`);
    await ben.listeners("1 function");
  }
  assert.equal((await ben.list()).length, 4);
  await anna.close();
  await ben.close();
  assert.deepEqual(complaints, []);
});

// What was seen: `shown` and the number of listeners at first, and after the effect has run again once and twice.
const seen = [
  { forget: "off", strict: "on", first: 1, again: [1, 1] },
  { forget: "off", strict: "off", first: 1, again: [1, 1] },
  // Set-up, no clean-up, set-up: doubled from the start.
  { forget: "on", strict: "on", first: 2, again: [3, 4] },
  // The fault is there, and hidden until the effect runs again.
  { forget: "on", strict: "off", first: 1, again: [2, 3] },
];

const functions = (count) => (count === 1 ? "1 function" : `${count} functions`);

for (const { forget, strict, first, again } of seen) {
  test(`forget ${forget}, StrictMode ${strict}: shown ${first}, then ${again.join(" and ")} times`, async () => {
    const anna = await connected(`/?forget=${forget}&strict=${strict}`);
    for (const count of [first, ...again]) {
      await anna.listeners(functions(count));
      assert.equal(await shown(anna, `by ${count}`), count);
      await anna.button("Run the effect again").click();
    }
    await anna.close();
    assert.deepEqual(complaints, []);
  });
}

test("the switches are turned with the mouse, and a loaded page has no listeners from before", async () => {
  const anna = await connected();
  await anna.listeners("1 function");
  await anna.turn("Forget the clean-up").click();
  await anna.listeners("2 functions");
  await anna.lamp("● connected");
  assert.equal(await shown(anna, "forgotten"), 2);
  await anna.turn("StrictMode").click();
  await anna.listeners("1 function");
  assert.equal(await anna.turn("StrictMode").isChecked(), false);
  assert.equal(await anna.turn("Forget the clean-up").isChecked(), true);
  await anna.lamp("● connected");
  assert.equal(await shown(anna, "hidden"), 1);
  await anna.close();
  assert.deepEqual(complaints, []);
});

test("what the server refuses is said", { skip: !WSDEMO && "the express server refuses nothing" }, async () => {
  const anna = await connected();
  await anna.page.getByLabel("From").fill("ä".repeat(64)); // 128 bytes, and 64 may be
  await anna.send("too long a name");
  await anna.page.getByRole("alert").getByText("Refused: ").waitFor();
  await anna.page.getByLabel("From").fill("anna");
  assert.equal(await shown(anna, "short"), 1);
  assert.equal(await anna.page.getByRole("alert").count(), 0);
  await anna.close();
  assert.deepEqual(complaints, []);
});

test("the proxy passes the upgrade to a WebSocket", async () => {
  const anna = await tab();
  assert.ok((await anna.socket()).startsWith(origin.replace("http", "ws")), await anna.socket());
  await anna.lamp("● connected");
  await anna.send("over the proxy");
  await anna.heard("over the proxy");
  await anna.close();
  assert.deepEqual(complaints, []);
});

test("as built for production, StrictMode sets up once", async (context) => {
  const outDir = await mkdtemp(join(tmpdir(), "react-client-"));
  context.after(() => rm(outDir, { recursive: true }));
  // The development server has set it, and it decides which React is built.
  const { NODE_ENV } = process.env;
  context.after(() => Object.assign(process.env, { NODE_ENV }));
  process.env.NODE_ENV = "production";
  const options = { root, logLevel: "silent", build: { outDir, emptyOutDir: true } };
  await build(options);
  const built = await preview({ ...options, preview: { port: builtPort, strictPort: true } });
  context.after(() => built.close());
  const anna = await connected("/?forget=on&strict=on", `http://localhost:${builtPort}`);
  for (const count of [1, 2]) {
    await anna.listeners(functions(count));
    assert.equal(await shown(anna, `built, by ${count}`), count);
    await anna.button("Run the effect again").click();
  }
  await anna.close();
  assert.deepEqual(complaints, []);
});

test("the server's plain address works too", { skip: !WSDEMO && "the express server lets in 5173 only" }, async () => {
  await vite.close();
  process.env.VITE_SERVER = server.url;
  vite = await develop();
  const anna = await tab();
  assert.ok((await anna.socket()).startsWith(server.url.replace("http", "ws")), await anna.socket());
  await anna.lamp("● connected");
  assert.equal(await shown(anna, "without the proxy"), 1);
  await anna.close();
  assert.deepEqual(complaints, []);
});
