/** Users, their notebook servers and tokens, over JupyterHub's REST API. A user's default server has the empty name. */
import { queryOptions } from "@tanstack/react-query";
import { api, body, type Schema } from "./client";

export type Server = Schema<"hub.Server">;
export type User = Schema<"hub.User">;
export type Token = Schema<"hub.Token">;

/** A server and whose it is. */
export interface Owned { user: User; server: Server }

/** How many users the hub tells of at most at a time. */
const PAGE = 200;

const named = (name: string) => ({ params: { path: { name } } });
const at = (name: string, server: string) => ({ params: { path: { name, server } } });

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: ({ signal }) => body(api.GET("/hub/api/users", { params: { query: { limit: String(PAGE) } }, signal })),
  meta: { topics: ["hub.users", "hub.servers"] },
});

/** Everybody who has a server that runs, starts or stops. */
export const activeUsersQuery = queryOptions({
  queryKey: ["users", "active"],
  queryFn: async ({ signal }) => {
    const found: User[] = [];
    for (;;) {
      const query = { state: "active", limit: String(PAGE), offset: String(found.length) };
      const part = await body(api.GET("/hub/api/users", { params: { query }, signal }));
      found.push(...part);
      if (part.length < PAGE) return found;
    }
  },
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

export const createUser = (name: string, password: string, admin: boolean): Promise<User> =>
  body(api.POST("/hub/api/users/{name}", { ...named(name), body: { admin, password } }));

export const deleteUser = (name: string): Promise<unknown> => body(api.DELETE("/hub/api/users/{name}", named(name)));

/** Makes a named server that does not run yet. */
export const createServer = (name: string, server: string): Promise<Server> =>
  body(api.PUT("/hub/api/users/{name}/servers/{server}", { ...at(name, server), body: {} }));

export const startServer = (name: string, server: string): Promise<unknown> => server === ""
  ? body(api.POST("/hub/api/users/{name}/server", { ...named(name), body: {} }))
  : body(api.POST("/hub/api/users/{name}/servers/{server}", { ...at(name, server), body: {} }));

export const stopServer = (name: string, server: string): Promise<unknown> => server === ""
  ? body(api.DELETE("/hub/api/users/{name}/server", named(name)))
  : body(api.DELETE("/hub/api/users/{name}/servers/{server}", at(name, server)));

/** Forgets a named server. */
export const deleteServer = (name: string, server: string): Promise<unknown> =>
  body(api.DELETE("/hub/api/users/{name}/servers/{server}", { ...at(name, server), body: { remove: true } }));

export function defaultServer(found: User | undefined): Server | undefined {
  return found?.servers?.[""];
}

// The default server comes first: nothing is before its empty name.
const sorted = (servers: User["servers"]): Server[] => Object.values(servers ?? {}).sort((one, other) => one.name.localeCompare(other.name));

/** The servers of that user that have a name. */
export const namedServers = (found: User): Server[] => sorted(found.servers).filter((server) => server.name !== "");

/** The servers of these users that run, start or stop. */
export const activeServers = (users: readonly User[]): Owned[] =>
  users.flatMap((user) => sorted(user.servers).filter((server) => !server.stopped).map((server) => ({ user, server })));

export function serverState(server: Server | undefined): string {
  if (server?.pending) return `server.${server.pending}`;
  return server?.ready ? "server.ready" : "server.stopped";
}

/** What people call a server: `ada`, `ada/gpu`. */
export const fullName = (name: string, server: string): string => (server === "" ? name : `${name}/${server}`);

const place = (name: string, server: string): string => [name, ...(server === "" ? [] : [server])].map(encodeURIComponent).join("/");

export const notebookUrl = (name: string, server = ""): string => `/user/${place(name, server)}/lab`;

/** The server's own page of profiles. */
export const spawnUrl = (name: string, server: string): string => `/hub/spawn/${place(name, server)}`;

export const progressUrl = (name: string, server: string): string => server === ""
  ? `/hub/api/users/${place(name, "")}/server/progress`
  : `/hub/api/users/${encodeURIComponent(name)}/servers/${encodeURIComponent(server)}/progress`;

/** Whether these scopes hold `scope` over that server: everywhere, or by its name, its owner's or a group of the owner. */
export function mayOver(scopes: readonly string[], scope: string, { user, server }: Owned): boolean {
  const filters = [`server=${user.name}/${server.name}`, `user=${user.name}`, ...(user.groups ?? []).map((group) => `group=${group}`)];
  return scopes.includes("*") || scopes.includes(scope) || filters.some((filter) => scopes.includes(`${scope}!${filter}`));
}

export const tokensQuery = (name: string) => queryOptions({
  queryKey: ["tokens", name],
  queryFn: async ({ signal }) => (await body(api.GET("/hub/api/users/{name}/tokens", { ...named(name), signal }))).api_tokens,
  meta: { topics: ["hub.users"] },
});

export const createToken = (name: string, note: string, expiresIn: number | null): Promise<Token> =>
  body(api.POST("/hub/api/users/{name}/tokens", { ...named(name), body: { note, ...(expiresIn ? { expires_in: expiresIn } : {}) } }));

export const deleteToken = (name: string, id: string): Promise<unknown> =>
  body(api.DELETE("/hub/api/users/{name}/tokens/{id}", { params: { path: { name, id } } }));
