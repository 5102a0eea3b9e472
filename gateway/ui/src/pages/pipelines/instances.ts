import type { TaskInstance, TaskState } from "../../api/scheduler";

/** Of a task instance, what a list shows. */
export type Instance = Pick<TaskInstance, "task_id" | "task_display_name" | "map_index" | "rendered_map_index" | "state" | "start_date">;

/** What one mark says of many mapped instances: trouble first, then work under way, then the rest. */
const GRAVITY: readonly (TaskState | "none")[] = [
  "failed", "upstream_failed", "running", "restarting", "up_for_retry", "up_for_reschedule", "deferred", "awaiting_input", "queued", "scheduled",
  "none", "success", "skipped", "removed",
];

export function worst(instances: readonly Pick<Instance, "state">[]): TaskState {
  const states = new Set(instances.map((one) => one.state ?? "none"));
  return GRAVITY.find((state) => states.has(state)) ?? "none";
}

/** Started ones in the order of their start, then the others by name. */
export function inOrder<One extends Instance>(instances: readonly One[]): One[] {
  const started = (one: Instance): number => (one.start_date ? Date.parse(one.start_date) : Number.MAX_SAFE_INTEGER);
  return instances.toSorted((a, b) => started(a) - started(b) || a.task_id.localeCompare(b.task_id) || a.map_index - b.map_index);
}

/** A mapped instance by its own label or number. */
export function instanceName(one: Instance): string {
  const name = one.task_display_name || one.task_id;
  return one.map_index < 0 ? name : `${name} [${one.rendered_map_index ?? one.map_index}]`;
}
