import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The server behind this page. Another one: SERVER=http://127.0.0.1:3002 npm run dev
const target = process.env.SERVER ?? "http://127.0.0.1:3001";

export default defineConfig({
  plugins: [react()],
  server: {
    port: 5173,
    strictPort: true, // the server lets in pages of this port only
    proxy: {
      // `ws` passes the upgrade to a WebSocket as well. `changeOrigin` puts the server's own name into Host.
      "/socket.io": { target, ws: true, changeOrigin: true },
      "/api": { target, changeOrigin: true },
    },
  },
});
