// How things are shown. What others wrote is only ever text: it never becomes part of the page.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** How long a sentence may be heard before the next, ms. What comes meanwhile is left out, but for the last. */
const SENTENCE = 1500;

let next = null;
let speaking = false;

/** Says one sentence to whoever does not look. */
export function tell(sentence) {
  next = sentence;
  if (!speaking) speak();
}

function speak() {
  speaking = next !== null;
  if (!speaking) return;
  byId("summary").textContent = next;
  next = null;
  setTimeout(speak, SENTENCE);
}

/** One row of a log. `sender` is "client", "server" or nobody; `text` may be an element, such as code. */
export function row(sender, text) {
  const row = document.createElement("p");
  if (sender) {
    const mark = document.createElement("span");
    mark.className = sender;
    mark.textContent = sender === "client" ? "C►" : "◄S";
    row.append(mark, " ");
  } else {
    row.className = "note";
  }
  row.append(text);
  return row;
}

/** What crossed the wire, as it was: `tag` is "code" within a row, "pre" on its own. */
export function verbatim(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** `75` is `1:15`. */
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** `12 s ago`, `3 min ago`. */
const ago = (seconds) => (seconds < 120 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`);

/** A lamp: what it says changes as time passes. */
export class Lamp {
  #element;
  #text;
  #since;

  constructor(id) {
    this.#element = byId(id);
    setInterval(() => this.#draw(), 500);
  }

  /** On, for so long: `● open 0:07`. */
  on(word) {
    this.#set((seconds) => `● ${word} ${minutes(seconds)}`);
  }

  /** Out, for so long: `○ closed 12 s ago (1000)`. */
  out(word, detail = "") {
    this.#set((seconds) => `○ ${word} ${ago(seconds)}${detail}`);
  }

  /** Neither: something is under way. */
  between(word) {
    this.#set(() => `◌ ${word}`);
  }

  #set(text) {
    this.#text = text;
    this.#since = performance.now();
    this.#draw();
  }

  #draw() {
    if (this.#text) this.#element.textContent = this.#text(Math.floor((performance.now() - this.#since) / 1000));
  }
}
