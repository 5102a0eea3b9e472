/** Serving endpoints and the Python environments that are being built. */
import { queryOptions } from "@tanstack/react-query";
import { request } from "./http";

const API = "/api/2.0/serving-endpoints";

export interface ServedEntity {
  name?: string;
  entity_name: string;
  entity_version?: string;
  alias?: string;
  state?: { deployment?: string; deployment_state_message?: string };
}
export interface Endpoint {
  name: string;
  creator?: string;
  creation_timestamp?: number;
  last_updated_timestamp?: number;
  state?: { ready?: string; config_update?: string; suspend?: string };
  config?: EndpointConfig;
  /** What is being brought up beside it, or could not be. */
  pending_config?: EndpointConfig;
}
export interface EndpointConfig {
  served_entities?: ServedEntity[];
  traffic_config?: { routes?: { served_model_name?: string; traffic_percentage: number }[] };
  config_version?: number;
}
/** One model version that was brought up for an endpoint. */
export interface Revision {
  revision: number;
  entity_name: string;
  entity_version: string;
  state: string;
  message: string;
  creation_timestamp: number;
}

export const endpointsQuery = queryOptions({
  queryKey: ["endpoints"],
  queryFn: async ({ signal }) => (await request<{ endpoints?: Endpoint[] }>("GET", API, { signal })).endpoints ?? [],
  meta: { topics: ["serving.endpoints"] },
});

export const endpointQuery = (name: string) => queryOptions({
  queryKey: ["endpoint", name],
  queryFn: ({ signal }) => request<Endpoint>("GET", `${API}/${encodeURIComponent(name)}`, { signal }),
  meta: { topics: ["serving.endpoints"], key: name },
});

export const revisionsQuery = (name: string) => queryOptions({
  queryKey: ["revisions", name],
  queryFn: async ({ signal }) => (await request<{ revisions?: Revision[] }>("GET", `${API}/${encodeURIComponent(name)}/revisions`, { signal })).revisions ?? [],
  meta: { topics: ["serving.endpoints"], key: name },
});

export function createEndpoint(name: string, entity: ServedEntity): Promise<Endpoint> {
  return request("POST", API, { body: { name, config: { served_entities: [entity] } } });
}

export function deleteEndpoint(name: string): Promise<unknown> {
  return request("DELETE", `${API}/${encodeURIComponent(name)}`);
}

export const invocationsPath = (name: string): string => `/serving-endpoints/${encodeURIComponent(name)}/invocations`;

export function invoke(name: string, body: unknown): Promise<unknown> {
  return request("POST", invocationsPath(name), { body });
}

export interface Environment { name: string; state: string; step?: string; message?: string }

export const environmentsQuery = queryOptions({
  queryKey: ["environments"],
  queryFn: async ({ signal }) => (await request<{ environments?: Environment[] }>("GET", "/api/artel/v1/environments", { signal })).environments ?? [],
  meta: { topics: ["platform.environments"] },
});
