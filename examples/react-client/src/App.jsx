import { useEffect, useState } from "react";
import { socket } from "./socket.js";
import Switches from "./Switches.jsx";
import { switches } from "./switches.js";

export default function App() {
  const [isConnected, setIsConnected] = useState(socket.connected);
  const [messages, setMessages] = useState([]);
  const [from, setFrom] = useState("anna");
  const [text, setText] = useState("GOAL! 1-0");
  const [listeners, setListeners] = useState(0);
  const [refused, setRefused] = useState("");
  const [round, setRound] = useState(1);

  // The lamp. "connect" comes at every connection, the first and each one after a loss.
  useEffect(() => {
    const onConnect = () => setIsConnected(true);
    const onDisconnect = () => setIsConnected(false);
    const onError = ({ detail }) => setRefused(detail); // what the server refused, in its own words

    socket.on("connect", onConnect);
    socket.on("disconnect", onDisconnect);
    socket.on("error", onError);
    setIsConnected(socket.connected); // what happened before we listened

    return () => {
      socket.off("connect", onConnect);
      socket.off("disconnect", onDisconnect);
      socket.off("error", onError);
    };
  }, []);

  // How many functions the socket calls for one message.
  const count = () => setListeners(socket.listeners("message").length);

  // The messages. What the effect sets up, its clean-up must take away: React runs the clean-up before the effect runs
  // again, and when the component goes. The socket lives longer, and keeps every listener that is not taken away.
  useEffect(() => {
    const onMessage = (message) => {
      setMessages((before) => [...before, message]);
      count();
    };

    socket.on("message", onMessage);
    count();

    return () => {
      if (switches.forget) return; // the mistake: the listener stays, and each one adds the message to the list
      socket.off("message", onMessage); // the same function: off("message") alone would remove everybody's
    };
  }, [round]); // when this changes, the effect runs again

  function send(event) {
    event.preventDefault();
    setRefused("");
    socket.emit("message", { from, text });
  }

  return (
    <main>
      <h1>Messages</h1>

      <p className="row">
        <span role="status" className={isConnected ? "lamp on" : "lamp"}>
          {isConnected ? "● connected" : "○ not connected"}
        </span>
        {isConnected ? (
          <button onClick={() => socket.disconnect()}>Disconnect</button>
        ) : (
          <button onClick={() => socket.connect()}>Connect</button>
        )}
      </p>

      <form className="row" onSubmit={send}>
        <label className="from">
          From <input value={from} onChange={(event) => setFrom(event.target.value)} maxLength="64" required />
        </label>
        <label className="wide">
          Text <input value={text} onChange={(event) => setText(event.target.value)} maxLength="1000" required />
        </label>
        <button>Send</button>
      </form>

      {refused && <p role="alert">Refused: {refused}</p>}

      <h2 id="heard">Heard</h2>
      <ol aria-live="polite" aria-labelledby="heard">
        {messages.map((message, index) => (
          // Not message.id: a message that is heard twice stands here twice.
          <li key={index}>
            <b>{message.from}</b> {message.text}
          </li>
        ))}
      </ol>
      {messages.length === 0 && <p className="hint">Nothing yet. Send something, from here or from a second tab.</p>}

      <Switches listeners={listeners} onRunAgain={() => setRound(round + 1)} />
    </main>
  );
}
