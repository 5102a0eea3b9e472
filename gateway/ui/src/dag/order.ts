/** Tasks as a graph: an order from first to last, and the edges. */
import type { Task } from "../api/scheduler";

export interface Edge { from: string; to: string }

/** Of a task, what its place in the graph depends on. */
export type Node = Pick<Task, "task_id" | "downstream_task_ids">;

export function edgesOf(tasks: readonly Node[]): Edge[] {
  const known = new Set(tasks.map((task) => task.task_id));
  return tasks.flatMap((task) => task.downstream_task_ids.filter((to) => known.has(to)).map((to) => ({ from: task.task_id, to })));
}

/** Upstream before downstream; among the free ones, the order they came in. */
export function topological<One extends Node>(tasks: readonly One[]): One[] {
  const waiting = new Map<string, number>(tasks.map((task) => [task.task_id, 0]));
  for (const { to } of edgesOf(tasks)) waiting.set(to, (waiting.get(to) ?? 0) + 1);
  const byId = new Map(tasks.map((task) => [task.task_id, task]));
  const free = tasks.filter((task) => waiting.get(task.task_id) === 0);
  const sorted: One[] = [];
  while (free.length > 0) {
    const task = free.shift() as One;
    sorted.push(task);
    for (const id of task.downstream_task_ids) {
      const left = (waiting.get(id) ?? 0) - 1;
      waiting.set(id, left);
      const next = byId.get(id);
      if (left === 0 && next) free.push(next);
    }
  }
  return sorted;
}
