// One request, one response. A page cannot see whether the browser keeps the TCP connection for the next request; it does
// know that this request is over, and that the server can say nothing more to it.
import { Lamp, byId, row, tell, verbatim } from "./show.js";

const lamp = new Lamp("http-lamp");
const log = byId("exchange");
let asked = 0;

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  exchange("GET", "/api/messages");
});

byId("post").addEventListener("submit", (event) => {
  event.preventDefault();
  exchange("POST", "/api/messages", Object.fromEntries(new FormData(event.target)));
});

async function exchange(method, path, message) {
  const mine = ++asked;
  const options = { method, cache: "no-store" };
  if (message) {
    options.body = JSON.stringify(message);
    options.headers = { "content-type": "application/json" };
  }
  lamp.between("asking");
  const rows = [row("client", `asks: ${method} ${path}`)];
  if (message) rows.push(verbatim("pre", options.body));
  log.replaceChildren(...rows);
  const began = performance.now();
  try {
    const response = await fetch(path, options);
    const body = await response.text();
    // Somebody asked again meanwhile: that is what is shown now.
    if (mine !== asked) return;
    const took = (performance.now() - began).toFixed(1);
    log.append(row("server", `answers: ${response.status} ${response.statusText}, after ${took} ms`));
    log.append(verbatim("pre", pretty(body)));
    log.append(row(null, "That request is over. The server cannot tell more until you ask again."));
    lamp.out("answered");
    tell(`${method} was answered with ${response.status} ${response.statusText}.`);
  } catch (error) {
    if (mine !== asked) return;
    log.append(row(null, `No answer: ${error.message}. Is the server still there?`));
    lamp.out("failed");
    tell("There was no answer.");
  }
}

/** A message a line. */
function pretty(body) {
  try {
    const value = JSON.parse(body);
    if (!Array.isArray(value) || value.length === 0) return body;
    return `[\n${value.map((message) => `  ${JSON.stringify(message)}`).join(",\n")}\n]`;
  } catch {
    return body;
  }
}
