// Serves the published MLflow web bundle at / and hands every request for data to a server of MLflow's protocol.
// For tests only: what is missing in the server shows as a failed request, as nothing is answered here.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".css": "text/css", ".html": "text/html", ".ico": "image/x-icon", ".js": "text/javascript", ".json": "application/json",
  ".svg": "image/svg+xml", ".png": "image/png", ".wasm": "application/wasm", ".woff2": "font/woff2",
};
const DATA = ["/ajax-api/", "/api/", "/graphql", "/get-artifact", "/model-versions/get-artifact", "/version", "/health", "/v1/", "/server-info"];

/** Starts it on a free port of the loopback address; `bundle` is mlflow/server/js/build, `token` is sent as Bearer. */
export async function serveBundle(bundle, upstream, token) {
  const server = createServer((incoming, outgoing) => {
    const path = new URL(incoming.url, "http://bundle").pathname;
    if (DATA.some((prefix) => path === prefix || path.startsWith(prefix))) forward(upstream, token, incoming, outgoing);
    else if (path.startsWith("/static-files/")) file(join(bundle, normalize(decodeURIComponent(path.slice("/static-files".length)))), outgoing);
    else if (path === "/") file(join(bundle, "index.html"), outgoing);
    else outgoing.writeHead(404).end();
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

function file(path, outgoing) {
  if (!existsSync(path) || !statSync(path).isFile()) return void outgoing.writeHead(404).end();
  outgoing.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
  createReadStream(path).pipe(outgoing);
}

function forward(upstream, token, incoming, outgoing) {
  const { hostname, port, host, origin } = new URL(upstream);
  const headers = { ...incoming.headers, host };
  // As a reverse proxy on the same origin would: the server sees a page of its own.
  if (headers.origin) headers.origin = origin;
  delete headers.referer;
  if (token) headers.authorization = `Bearer ${token}`;
  const onward = request({ hostname, port, path: incoming.url, method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on("error", (error) => {
    if (!outgoing.headersSent) outgoing.writeHead(502);
    outgoing.end(`bundle server: ${error.message}`);
  });
  incoming.pipe(onward);
}
