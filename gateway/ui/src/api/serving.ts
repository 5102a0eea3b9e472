/** Serving endpoints and the Python environments that are being built. */
import { queryOptions } from "@tanstack/react-query";
import { api, body, type Schema } from "./client";

export type Endpoint = Schema<"serving.Endpoint">;
export type ServedEntity = Schema<"serving.ServedEntity">;
/** One model version that was brought up for an endpoint. */
export type Revision = Schema<"serving.Revision">;
export type Environment = Schema<"EnvironmentState">;
/** What an endpoint is to serve: a version, or whatever an alias points to. */
export type Wanted = { entity_name: string; entity_version: string } | { entity_name: string; alias: string };

const named = (name: string) => ({ params: { path: { name } } });

export const endpointsQuery = queryOptions({
  queryKey: ["endpoints"],
  queryFn: async ({ signal }) => (await body(api.GET("/api/2.0/serving-endpoints", { signal }))).endpoints,
  meta: { topics: ["serving.endpoints"] },
});

export const endpointQuery = (name: string) => queryOptions({
  queryKey: ["endpoint", name],
  queryFn: ({ signal }) => body(api.GET("/api/2.0/serving-endpoints/{name}", { ...named(name), signal })),
  meta: { topics: ["serving.endpoints"], key: name },
});

export const revisionsQuery = (name: string) => queryOptions({
  queryKey: ["revisions", name],
  queryFn: async ({ signal }) => (await body(api.GET("/api/2.0/serving-endpoints/{name}/revisions", { ...named(name), signal }))).revisions,
  meta: { topics: ["serving.endpoints"], key: name },
});

export const createEndpoint = (name: string, wanted: Wanted): Promise<Endpoint> =>
  body(api.POST("/api/2.0/serving-endpoints", { body: { name, config: { served_entities: [wanted] } } }));

export const deleteEndpoint = (name: string): Promise<unknown> => body(api.DELETE("/api/2.0/serving-endpoints/{name}", named(name)));

export const invocationsPath = (name: string): string => `/serving-endpoints/${encodeURIComponent(name)}/invocations`;

export const invoke = (name: string, question: unknown): Promise<unknown> =>
  body(api.POST("/serving-endpoints/{name}/invocations", { ...named(name), body: question as never }));

export const environmentsQuery = queryOptions({
  queryKey: ["environments"],
  queryFn: async ({ signal }) => (await body(api.GET("/api/artel/v1/environments", { signal }))).environments,
  meta: { topics: ["platform.environments"] },
});
