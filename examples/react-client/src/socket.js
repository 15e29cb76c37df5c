import { io } from "socket.io-client";

// One socket for the whole page. It is made here, outside of every component: a component runs again at each rendering,
// a module runs once.
//
// Without an address, io() calls the page's own origin: Vite, which passes it on to the server (vite.config.js).
// The other way is the server's plain address, in a file .env.local: VITE_SERVER=http://127.0.0.1:3001
export const socket = io(import.meta.env.VITE_SERVER);

// Only while you edit this file: Vite then runs it again, and the old socket must go.
import.meta.hot?.dispose(() => socket.disconnect());
