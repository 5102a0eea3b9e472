/** Registered models, their versions and aliases, over MLflow's REST API. */
import { queryOptions } from "@tanstack/react-query";
import { api, body, type Always, type Schema } from "./client";
import type { Tag } from "./tracking";

const TOPICS = ["registry.registered_models", "registry.model_versions"] as const;

export interface Alias { alias: string; version: string }
export type ModelVersion = Omit<Always<Schema<"mlflow.ModelVersion">, "name" | "version">, "tags"> & { tags?: Tag[] };
export type RegisteredModel = Omit<Always<Schema<"mlflow.RegisteredModel">, "name">, "aliases" | "tags" | "latest_versions"> & {
  aliases?: Alias[]; tags?: Tag[]; latest_versions?: ModelVersion[];
};

const quoted = (text: string): string => `'${text.replaceAll("'", "")}'`;

export const modelsQuery = (filter: string) => queryOptions({
  queryKey: ["models", filter],
  queryFn: async ({ signal }) => {
    const query = { max_results: 1000, ...(filter ? { filter: `name ILIKE ${quoted(`%${filter}%`)}` } : {}) };
    return ((await body(api.GET("/api/2.0/mlflow/registered-models/search", { params: { query }, signal }))).registered_models ?? []) as RegisteredModel[];
  },
  meta: { topics: TOPICS },
});

export const modelQuery = (name: string) => queryOptions({
  queryKey: ["model", name],
  queryFn: async ({ signal }) =>
    (await body(api.GET("/api/2.0/mlflow/registered-models/get", { params: { query: { name } }, signal }))).registered_model as RegisteredModel,
  meta: { topics: TOPICS, key: name },
});

async function searchVersions(filter: string, signal: AbortSignal, limit: number): Promise<ModelVersion[]> {
  const query = { filter, max_results: limit };
  return ((await body(api.GET("/api/2.0/mlflow/model-versions/search", { params: { query }, signal }))).model_versions ?? []) as ModelVersion[];
}

/** A model's versions, newest first. */
export const versionsQuery = (name: string) => queryOptions({
  queryKey: ["versions", name],
  queryFn: async ({ signal }) =>
    (await searchVersions(`name = ${quoted(name)}`, signal, 200)).toSorted((a, b) => Number(b.version) - Number(a.version)),
  meta: { topics: TOPICS, key: name },
});

/** The versions that a run became. */
export const runVersionsQuery = (run: string) => queryOptions({
  queryKey: ["run-versions", run],
  queryFn: ({ signal }) => searchVersions(`run_id = ${quoted(run)}`, signal, 50),
  meta: { topics: TOPICS },
});

export const versionQuery = (name: string, version: string) => queryOptions({
  queryKey: ["version", name, version],
  queryFn: async ({ signal }) =>
    (await body(api.GET("/api/2.0/mlflow/model-versions/get", { params: { query: { name, version } }, signal }))).model_version as ModelVersion,
  meta: { topics: TOPICS, key: name },
});

export const setAlias = (name: string, alias: string, version: string): Promise<unknown> =>
  body(api.POST("/api/2.0/mlflow/registered-models/alias", { body: { name, alias, version } }));

export const deleteAlias = (name: string, alias: string): Promise<unknown> =>
  body(api.DELETE("/api/2.0/mlflow/registered-models/alias", { body: { name, alias } }));

/** Aliases of one version: the version's own list, else the model's. */
export function aliasesOf(version: Pick<ModelVersion, "version" | "aliases">, model: Pick<RegisteredModel, "aliases"> | undefined): string[] {
  const named = (model?.aliases ?? []).filter((alias) => alias.version === version.version).map((alias) => alias.alias);
  return [...new Set([...(version.aliases ?? []), ...named])].toSorted();
}

/** The logged model that a version was made from; empty for versions made from a folder. */
export function loggedModelOf(version: Pick<ModelVersion, "model_id" | "source"> | undefined): string {
  return version?.model_id || /^models:\/(m-[0-9a-f]+)$/.exec(version?.source ?? "")?.[1] || "";
}
