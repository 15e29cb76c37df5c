import { switches, turn } from "./switches.js";

// The experiment: how many listeners does the socket have, and how often is one message shown?
export default function Switches({ listeners, onRunAgain }) {
  return (
    <section aria-labelledby="listeners">
      <h2 id="listeners">Listeners</h2>
      <p role="status">
        The socket calls <strong>{listeners === 1 ? "1 function" : `${listeners} functions`}</strong> for one message.
      </p>
      <p className="row">
        <button onClick={onRunAgain}>Run the effect again</button>
        <span className="hint">As when what it depends on changes.</span>
      </p>
      <label className="switch">
        <input type="checkbox" checked={switches.forget} onChange={(event) => turn("forget", event.target.checked)} />
        Forget the clean-up
      </label>
      <label className="switch">
        <input type="checkbox" checked={switches.strict} onChange={(event) => turn("strict", event.target.checked)} />
        <span>
          StrictMode: set-up, clean-up, set-up <span className="hint">(in development only)</span>
        </span>
      </label>
      <p className="hint">A switch loads the page anew: forgotten listeners last as long as the page.</p>
    </section>
  );
}
