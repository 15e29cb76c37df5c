// A socket: connected and disconnected by hand. Nothing connects again by itself, so that one sees what was lost.
import { Lamp, byId, row, tell, verbatim } from "./show.js";

/** The most rows that are kept. */
const MAX_ROWS = 200;

const lamp = new Lamp("socket-lamp");
const log = byId("frames");
const newer = byId("newer");
const dial = byId("dial").querySelector("button");
const send = byId("say").querySelector("button");
let socket = null;
let unseen = 0;

byId("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket) socket.close(1000);
  else connect();
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) return;
  const data = Object.fromEntries(new FormData(event.target));
  const text = JSON.stringify({ event: "message", data });
  socket.send(text);
  add("client", text);
});

newer.addEventListener("click", () => {
  log.scrollTop = log.scrollHeight;
  log.focus();
});

log.addEventListener("scroll", () => {
  if (atEnd()) seen();
});

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/ws`);
  let opened = false;
  lamp.between("connecting");
  dial.textContent = "Disconnect";
  socket.onopen = () => {
    opened = true;
    send.disabled = false;
    lamp.on("open");
    add(null, "Open. Nobody needs to ask any more.");
    tell("The socket is open.");
  };
  socket.onmessage = ({ data }) => {
    add("server", data);
    tell(`The server says: ${words(data)}`);
  };
  socket.onclose = ({ code, reason }) => {
    socket = null;
    send.disabled = true;
    dial.textContent = "Connect";
    lamp.out(opened ? "closed" : "not opened", ` (${code})`);
    add(null, closing(opened, code, reason));
    tell(opened ? `The socket is closed, code ${code}.` : "The socket was not opened.");
  };
}

function closing(opened, code, reason) {
  if (!opened) return "It did not open. Is the server still there?";
  if (code === 1006) return "Closed without a close frame (1006). What is said now is lost here.";
  return `Closed with ${code}${reason ? `: ${reason}` : ""}. What is said now is lost here.`;
}

/** What a person would say of an event. */
function words(text) {
  try {
    const { event, data } = JSON.parse(text);
    return event === "message" ? `${data.from}: ${data.text}` : `${event} ${JSON.stringify(data)}`;
  } catch {
    return text;
  }
}

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 8;

/** Adds a row, and never moves what somebody reads. */
function add(sender, text) {
  const follow = atEnd();
  log.querySelector(".empty")?.remove();
  log.append(row(sender, sender ? verbatim("code", text) : text));
  while (follow && log.childElementCount > MAX_ROWS) log.firstElementChild.remove();
  while (log.childElementCount > 5 * MAX_ROWS) log.firstElementChild.remove();
  if (follow) {
    log.scrollTop = log.scrollHeight;
  } else {
    unseen += 1;
    newer.textContent = `↓ ${unseen} new`;
    newer.hidden = false;
  }
}

function seen() {
  unseen = 0;
  newer.hidden = true;
}
