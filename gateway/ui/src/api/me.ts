import { queryOptions } from "@tanstack/react-query";
import { request } from "./http";

/** Who is logged in, and what this server is. */
export interface Me {
  name: string;
  kind: string;
  admin: boolean;
  groups: string[];
  scopes: string[];
  version: string;
  services: string[];
}

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => request<Me>("GET", "/api/artel/v1/me", { signal }),
  staleTime: Infinity,
  meta: { topics: ["hub.users"] },
});

export function login(username: string, password: string): Promise<{ name: string; admin: boolean }> {
  return request("POST", "/hub/login", { body: { username, password } });
}

export function logout(): Promise<unknown> {
  return request("POST", "/hub/logout");
}
