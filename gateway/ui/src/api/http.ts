/** One way to the server for every API it speaks: the session's CSRF header out, one kind of error back. */

/** What went wrong, in the words of whichever API answered. */
export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when there was no answer at all. */
    readonly status: number,
    message: string,
    /** The API's own code, such as `RESOURCE_DOES_NOT_EXIST`. */
    readonly code: string,
    /** To find the request in the server's log. */
    readonly requestId: string,
    readonly url: string,
  ) {
    super(message);
  }
}

/** Called when the session is over; set once by the app. */
let onSignedOut: () => void = () => {};
export const whenSignedOut = (listener: () => void): void => {
  onSignedOut = listener;
};

export function csrfToken(cookies: string = document.cookie): string {
  const found = cookies.split("; ").find((cookie) => cookie.startsWith("_xsrf="));
  return found ? decodeURIComponent(found.slice("_xsrf=".length)) : "";
}

/** A path with its query; lists repeat their name, what is absent is left out. */
export function url(path: string, query: Record<string, string | number | boolean | readonly string[] | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    if (typeof value === "object") value.forEach((item) => search.append(name, item));
    else search.append(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** `fetch` with the session's headers; throws [ApiError] for anything that is not a success. */
export async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  if (request.method !== "GET" && request.method !== "HEAD") request.headers.set("X-XSRFToken", csrfToken());
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ApiError(0, String((error as Error).message), "UNREACHABLE", "", request.url);
  }
  if (response.ok) return response;
  const failure = failed(response, await response.text(), request.url);
  if (failure.status === 401) onSignedOut();
  throw failure;
}

function failed(response: Response, body: string, where: string): ApiError {
  const { message, code } = explain(body, response.headers.get("Content-Type") ?? "");
  return new ApiError(
    response.status,
    message || response.statusText || `HTTP ${response.status}`,
    code,
    response.headers.get("X-Request-Id") ?? "",
    where,
  );
}

/** Reads the error dialects: Artel, MLflow, JupyterHub, Airflow's problem detail (also its list form), plain text. */
export function explain(body: string, contentType: string): { message: string; code: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { message: contentType.includes("html") ? "" : body.slice(0, 500), code: "" };
  }
  if (typeof parsed !== "object" || parsed === null) return { message: String(parsed), code: "" };
  // Artel's own API wraps what the others have at the top.
  const { error } = parsed as Record<string, unknown>;
  const fields = (typeof error === "object" && error !== null ? error : parsed) as Record<string, unknown>;
  const code = text(fields.error_code) || text(fields.title) || text(fields.code);
  return { message: text(fields.message) || detail(fields.detail) || text(fields.title) || text(fields.error), code };
}

function detail(value: unknown): string {
  if (!Array.isArray(value)) return text(value);
  return value.map((item) => [item?.loc?.join?.("."), item?.msg].filter(Boolean).join(": ")).join("; ");
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
