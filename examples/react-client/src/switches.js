// The two switches stand in the address: /?forget=on&strict=off. Turning one loads the page anew, with a new socket:
// nothing else removes listeners that were forgotten.

const query = new URLSearchParams(location.search);

export const switches = {
  forget: query.get("forget") === "on", // the clean-up is left out
  strict: query.get("strict") !== "off", // React's StrictMode
};

export function turn(name, on) {
  query.set(name, on ? "on" : "off");
  location.search = query;
}
