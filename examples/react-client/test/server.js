// A server that a test starts, kills and starts again at the same port.

import { spawn } from "node:child_process";
import { createServer } from "node:net";

export class Server {
  /// Where the port is 0, any free one; it takes the place of {port} in the command.
  static async at(address, command = []) {
    const url = new URL(address);
    const port = url.port === "0" ? await freePort() : url.port;
    return new Server(`http://${url.hostname}:${port}`, String(port), command);
  }

  constructor(url, port, [program, ...args]) {
    Object.assign(this, { url, port, command: program, args: args.map((arg) => arg.replaceAll("{port}", port)) });
  }

  /// Ends when it says where it listens.
  start() {
    if (!this.command) return Promise.resolve();
    const env = { ...process.env, PORT: this.port };
    this.child = spawn(this.command, this.args, { env, stdio: ["ignore", "pipe", "inherit"] });
    // Whoever leaves, by whatever way, leaves no server behind.
    process.once("exit", (this.orphan = () => this.child.kill("SIGKILL")));
    return new Promise((resolve, reject) => {
      let said = "";
      this.child.stdout.on("data", (data) => {
        if (said.includes(`:${this.port}`)) return;
        said += data;
        if (said.includes(`:${this.port}`)) resolve();
      });
      this.child.once("error", reject);
      this.child.once("exit", (code, signal) => reject(new Error(`${this.command} ended: ${code ?? signal} ${said}`)));
    });
  }

  /// As when its machine loses power, except that its kernel still says goodbye.
  kill() {
    if (!this.command) return Promise.resolve();
    process.off("exit", this.orphan);
    return new Promise((resolve) => {
      this.child.once("exit", resolve);
      this.child.kill("SIGKILL");
    });
  }
}

/// Below those that the system gives to clients: who calls again and again while nobody listens could else reach itself.
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise((resolve) => {
      const probe = createServer().once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
