import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import App from "./App.jsx";
import "./page.css";
import { switches } from "./switches.js";

const app = <App />;
createRoot(document.getElementById("root")).render(switches.strict ? <StrictMode>{app}</StrictMode> : app);
