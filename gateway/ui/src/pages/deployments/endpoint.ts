import type { Endpoint, ServedEntity } from "../../api/serving";

/** One word for an endpoint: a failed update first, then one under way, then whether it answers. */
export function endpointState(endpoint: Endpoint): string {
  const { ready, config_update: update } = endpoint.state ?? {};
  if (update === "UPDATE_FAILED") return update;
  if (update === "IN_PROGRESS") return update;
  return ready ?? "NOT_READY";
}

export const entitiesOf = (endpoint: Endpoint): ServedEntity[] => endpoint.config?.served_entities ?? [];

/** A request to begin with where the model brings no example of its own. */
export const TEMPLATE = `{
  "dataframe_split": {
    "columns": ["a", "b"],
    "data": [[1.0, 2.0]]
  }
}`;
