/** Registered models, their versions and aliases, over MLflow's REST API. */
import { queryOptions } from "@tanstack/react-query";
import { request } from "./http";
import type { Tag } from "./tracking";

const API = "/api/2.0/mlflow";
const TOPICS = ["registry.registered_models", "registry.model_versions"] as const;

export interface Alias { alias: string; version: string }
export interface ModelVersion {
  name: string;
  version: string;
  creation_timestamp?: number;
  last_updated_timestamp?: number;
  user_id?: string;
  current_stage?: string;
  description?: string;
  source?: string;
  run_id?: string;
  model_id?: string;
  status?: string;
  status_message?: string;
  tags?: Tag[];
  aliases?: string[];
}
export interface RegisteredModel {
  name: string;
  creation_timestamp?: number;
  last_updated_timestamp?: number;
  user_id?: string;
  description?: string;
  latest_versions?: ModelVersion[];
  tags?: Tag[];
  aliases?: Alias[];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "")}'`;

export const modelsQuery = (filter: string) => queryOptions({
  queryKey: ["models", filter],
  queryFn: async ({ signal }) => {
    const query = { max_results: 1000, filter: filter ? `name ILIKE ${quoted(`%${filter}%`)}` : undefined };
    const found = await request<{ registered_models?: RegisteredModel[] }>("GET", `${API}/registered-models/search`, { query, signal });
    return found.registered_models ?? [];
  },
  meta: { topics: TOPICS },
});

export const modelQuery = (name: string) => queryOptions({
  queryKey: ["model", name],
  queryFn: async ({ signal }) => {
    const found = await request<{ registered_model: RegisteredModel }>("GET", `${API}/registered-models/get`, { query: { name }, signal });
    return found.registered_model;
  },
  meta: { topics: TOPICS, key: name },
});

function searchVersions(filter: string, signal: AbortSignal, limit: number): Promise<{ model_versions?: ModelVersion[] }> {
  return request("GET", `${API}/model-versions/search`, { query: { filter, max_results: limit }, signal });
}

/** A model's versions, newest first. */
export const versionsQuery = (name: string) => queryOptions({
  queryKey: ["versions", name],
  queryFn: async ({ signal }) => {
    const found = await searchVersions(`name = ${quoted(name)}`, signal, 200);
    return (found.model_versions ?? []).toSorted((a, b) => Number(b.version) - Number(a.version));
  },
  meta: { topics: TOPICS, key: name },
});

/** The versions that a run became. */
export const runVersionsQuery = (run: string) => queryOptions({
  queryKey: ["run-versions", run],
  queryFn: async ({ signal }) => (await searchVersions(`run_id = ${quoted(run)}`, signal, 50)).model_versions ?? [],
  meta: { topics: TOPICS },
});

export const versionQuery = (name: string, version: string) => queryOptions({
  queryKey: ["version", name, version],
  queryFn: async ({ signal }) => {
    const found = await request<{ model_version: ModelVersion }>("GET", `${API}/model-versions/get`, { query: { name, version }, signal });
    return found.model_version;
  },
  meta: { topics: TOPICS, key: name },
});

export function setAlias(name: string, alias: string, version: string): Promise<unknown> {
  return request("POST", `${API}/registered-models/alias`, { body: { name, alias, version } });
}

export function deleteAlias(name: string, alias: string): Promise<unknown> {
  return request("DELETE", `${API}/registered-models/alias`, { body: { name, alias } });
}

/** Aliases of one version: the version's own list, else the model's. */
export function aliasesOf(version: ModelVersion, model: RegisteredModel | undefined): string[] {
  const named = (model?.aliases ?? []).filter((alias) => alias.version === version.version).map((alias) => alias.alias);
  return [...new Set([...(version.aliases ?? []), ...named])].toSorted();
}

/** The logged model that a version was made from; empty for versions made from a folder. */
export function loggedModelOf(version: ModelVersion | undefined): string {
  return version?.model_id || /^models:\/(m-[0-9a-f]+)$/.exec(version?.source ?? "")?.[1] || "";
}
