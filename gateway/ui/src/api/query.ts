/** The Query cache and what each entry says about the events that make it stale. */
import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./http";

export type Topic =
  | "platform.environments" | "hub.users" | "hub.servers"
  | "tracking.experiments" | "tracking.runs" | "tracking.logged_models" | "artifact.artifacts"
  | "registry.registered_models" | "registry.model_versions"
  | "scheduler.dags" | "scheduler.dag_runs" | "scheduler.task_instances" | "serving.endpoints";

declare module "@tanstack/react-query" {
  interface Register {
    queryMeta: {
      /** An event on one of these topics makes the entry stale. */
      topics?: readonly Topic[];
      /** When given, only an event about this aggregate (or one inside it, `dag/run`) does. */
      key?: string;
    };
  }
}

/** A request that the server answered with a reason is not asked again; one that got lost is, twice. */
function retry(count: number, error: Error): boolean {
  if (error instanceof ApiError && error.status > 0 && error.status < 500) return false;
  return count < 2;
}

export const queryClient = new QueryClient({
  // Events tell what changed, so nothing grows stale by time alone; a lost connection refetches everything.
  defaultOptions: { queries: { staleTime: 5 * 60_000, gcTime: 15 * 60_000, retry, refetchOnWindowFocus: false } },
});
