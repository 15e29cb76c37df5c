import express from "express";
import { Server } from "socket.io";

const port = process.env.PORT ?? 3001;
const pages = ["http://localhost:5173", "http://127.0.0.1:5173"]; // only these may poll; a WebSocket is open to any page
const messages = [];

const app = express();
app.get("/api/messages", (request, response) => response.json(messages));
const server = app.listen(port, "127.0.0.1", (error) => {
  if (error) throw error; // most likely the port is in use
  console.log(`Server: http://127.0.0.1:${port}`);
});

const io = new Server(server, { cors: { origin: pages } }); // to close that as well: allowRequest, and look at the Origin
const namespaces = [io.of("/"), io.of("/class")];
namespaces.forEach((namespace) => namespace.on("connection", connected));

function connected(socket) {
  console.log("Client connected");
  socket.on("disconnect", () => console.log("Client disconnected"));

  socket.on("message", (data, done) => {
    const message = { id: messages.length + 1, ...draft(data) };
    messages.push(message);
    namespaces.forEach((namespace) => namespace.emit("message", message)); // the sender hears it too
    done?.(message);
  });
  socket.on("echo", (data, done) => done?.(data));
  socket.on("join", (room, done) => { socket.join(room); done?.(room); });
  socket.on("leave", (room, done) => { socket.leave(room); done?.(room); });
  socket.on("room-message", (room, data) => socket.nsp.to(room).emit("message", data));
}

// What somebody says: { from, text } as it is, a string as the text, anything else as JSON.
function draft(data) {
  const whole = typeof data?.from === "string" && typeof data?.text === "string";
  if (whole) return { from: data.from, text: data.text };
  return { from: "someone", text: typeof data === "string" ? data : JSON.stringify(data) };
}
