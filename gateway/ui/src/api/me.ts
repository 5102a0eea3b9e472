import { queryOptions } from "@tanstack/react-query";
import { api, body, type Schema } from "./client";

/** Who is logged in, and what this server is. */
export type Me = Schema<"Me">;

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => body(api.GET("/api/artel/v1/me", { signal })),
  staleTime: Infinity,
  meta: { topics: ["hub.users"] },
});

/** How one can sign in here; asked before anybody is known. */
export const loginMethodsQuery = queryOptions({
  queryKey: ["login-methods"],
  queryFn: ({ signal }) => body(api.GET("/hub/api/login-methods", { signal })),
  staleTime: Infinity,
});

export const login = (username: string, password: string): Promise<Schema<"hub.LoggedIn">> =>
  body(api.POST("/hub/login", { body: { username, password } }));

export const logout = (): Promise<unknown> => body(api.POST("/hub/logout"));
