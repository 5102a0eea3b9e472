import { defineConfig } from "vitest/config";
import react from "@vitejs/plugin-react";

// `npm run dev` serves the page itself and asks a running server for everything else.
const server = process.env.ARTEL_URL ?? "http://127.0.0.1:8000";
const owned = [
  "/api", "/ajax-api", "/get-artifact", "/model-versions", "/hub", "/user", "/events", "/openapi.json",
  "/docs", "/serving-endpoints", "/healthz", "/readyz",
];

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // One file per font subset: the browser fetches Cyrillic only where there is Cyrillic.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // Two files to begin with, then one small one for each page: few round trips and long-lived caches.
        codeSplitting: {
          groups: [
            { name: "vendor", test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store|@tanstack\/(react-router|router-core|history|react-query|query-core|store|react-store))\// },
            { name: "core", test: /src\/(api|i18n\/(index|format|en)|live|theme|ui\/(?!overlay|runcolor|steady)|shell\/(?!Palette|Keys|UserMenu)|search|snippets)/ },
          ],
        },
      },
    },
  },
  worker: { format: "es" },
  server: {
    proxy: Object.fromEntries(owned.map((prefix) => [prefix, { target: server, ws: true }])),
  },
  test: { include: ["src/**/*.test.ts", "tests/unit/**/*.test.ts"], environment: "node" },
});
