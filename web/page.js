// The page: its left half asks over HTTP, its right half keeps a socket.
import "./ask.js";
import "./socket.js";
