/** Users, their notebook servers and tokens, over JupyterHub's REST API. */
import { queryOptions } from "@tanstack/react-query";
import { request } from "./http";

const user = (name: string): string => `/hub/api/users/${encodeURIComponent(name)}`;

export interface Server {
  name: string;
  ready: boolean;
  stopped?: boolean;
  pending?: string | null;
  url?: string;
  progress_url?: string;
  started?: string | null;
  last_activity?: string | null;
  /** Why its last start or run failed; kept until the next start. */
  failure?: string | null;
  /** The last lines of its log then. */
  log_tail?: string | null;
}
export interface User {
  name: string;
  admin: boolean;
  kind?: string;
  groups?: string[];
  created?: string | null;
  last_activity?: string | null;
  server?: string | null;
  pending?: string | null;
  servers?: Record<string, Server>;
}
export interface Token {
  id: string;
  note?: string | null;
  created?: string | null;
  expires_at?: string | null;
  last_activity?: string | null;
  scopes?: string[];
  oauth_client?: string | null;
  /** Only in the answer to the request that made it. */
  token?: string;
}

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: ({ signal }) => request<User[]>("GET", "/hub/api/users", { signal }),
  meta: { topics: ["hub.users", "hub.servers"] },
});

export const userQuery = (name: string) => queryOptions({
  queryKey: ["user", name],
  queryFn: ({ signal }) => request<User>("GET", user(name), { query: { include_stopped_servers: 1 }, signal }),
  meta: { topics: ["hub.users", "hub.servers"] },
});

export function createUser(name: string, password: string, admin: boolean): Promise<User> {
  return request("POST", user(name), { body: { admin, password } });
}

export function deleteUser(name: string): Promise<unknown> {
  return request("DELETE", user(name));
}

export function startServer(name: string): Promise<unknown> {
  return request("POST", `${user(name)}/server`, { body: {} });
}

export function stopServer(name: string): Promise<unknown> {
  return request("DELETE", `${user(name)}/server`);
}

/** One step of a starting server. */
export interface Progress { progress: number; message?: string; html_message?: string; ready?: boolean; failed?: boolean; url?: string }

/** Follows a starting server until it is ready or has failed; returns how to stop following. */
export function followProgress(name: string, onStep: (step: Progress) => void): () => void {
  const source = new EventSource(`${user(name)}/server/progress`);
  source.onmessage = (event) => {
    const step = JSON.parse(event.data) as Progress;
    onStep(step);
    if (step.ready || step.failed) source.close();
  };
  return () => source.close();
}

/** The server of that user that has no name of its own. */
export function defaultServer(found: User | undefined): Server | undefined {
  return found?.servers?.[""];
}

export const notebookUrl = (name: string): string => `/user/${encodeURIComponent(name)}/lab`;

export const tokensQuery = (name: string) => queryOptions({
  queryKey: ["tokens", name],
  queryFn: async ({ signal }) => {
    const found = await request<{ api_tokens?: Token[] } | Token[]>("GET", `${user(name)}/tokens`, { signal });
    return Array.isArray(found) ? found : found.api_tokens ?? [];
  },
  meta: { topics: ["hub.users"] },
});

export function createToken(name: string, note: string, expiresIn: number | null): Promise<Token> {
  return request("POST", `${user(name)}/tokens`, { body: { note, ...(expiresIn ? { expires_in: expiresIn } : {}) } });
}

export function deleteToken(name: string, id: string): Promise<unknown> {
  return request("DELETE", `${user(name)}/tokens/${encodeURIComponent(id)}`);
}
