/** Users, their notebook servers and tokens, over JupyterHub's REST API. */
import { queryOptions } from "@tanstack/react-query";
import { api, body, type Schema } from "./client";

export type Server = Schema<"hub.Server">;
export type User = Schema<"hub.User">;
export type Token = Schema<"hub.Token">;

const named = (name: string) => ({ params: { path: { name } } });

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: ({ signal }) => body(api.GET("/hub/api/users", { params: { query: { limit: "200" } }, signal })),
  meta: { topics: ["hub.users", "hub.servers"] },
});

export const userQuery = (name: string) => queryOptions({
  queryKey: ["user", name],
  queryFn: ({ signal }) => body(api.GET("/hub/api/users/{name}", { params: { path: { name }, query: { include_stopped_servers: "1" } }, signal })),
  meta: { topics: ["hub.users", "hub.servers"] },
});

/** What a server may be started with; none where there is nothing to choose. */
export const profilesQuery = queryOptions({
  queryKey: ["profiles"],
  queryFn: ({ signal }) => body(api.GET("/hub/api/profiles", { signal })),
  staleTime: 60_000,
});

/** The server's own page of profiles. */
export const spawnUrl = (name: string): string => `/hub/spawn/${encodeURIComponent(name)}`;

export const createUser = (name: string, password: string, admin: boolean): Promise<User> =>
  body(api.POST("/hub/api/users/{name}", { ...named(name), body: { admin, password } }));

export const deleteUser = (name: string): Promise<unknown> => body(api.DELETE("/hub/api/users/{name}", named(name)));

export const startServer = (name: string): Promise<unknown> => body(api.POST("/hub/api/users/{name}/server", { ...named(name), body: {} }));

export const stopServer = (name: string): Promise<unknown> => body(api.DELETE("/hub/api/users/{name}/server", named(name)));

/** One step of a starting server. */
export interface Progress { progress: number; message?: string; ready?: boolean; failed?: boolean; url?: string }

/** Follows a starting server until it is ready or has failed; returns how to stop following. */
export function followProgress(name: string, onStep: (step: Progress) => void): () => void {
  const source = new EventSource(`/hub/api/users/${encodeURIComponent(name)}/server/progress`);
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
  queryFn: async ({ signal }) => (await body(api.GET("/hub/api/users/{name}/tokens", { ...named(name), signal }))).api_tokens,
  meta: { topics: ["hub.users"] },
});

export const createToken = (name: string, note: string, expiresIn: number | null): Promise<Token> =>
  body(api.POST("/hub/api/users/{name}/tokens", { ...named(name), body: { note, ...(expiresIn ? { expires_in: expiresIn } : {}) } }));

export const deleteToken = (name: string, id: string): Promise<unknown> =>
  body(api.DELETE("/hub/api/users/{name}/tokens/{id}", { params: { path: { name, id } } }));
