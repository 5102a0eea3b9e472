/** States of everything: a shape, a word and a colour, never colour alone. */
import type { Key } from "../i18n";
import { t } from "../i18n";

export type Tone = "succeeded" | "running" | "failed" | "queued" | "retry" | "skipped";

const SHAPES: Record<Tone, string> = {
  succeeded: "M2.5 6.500 5 9l4.500-6",
  running: "M6 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
  failed: "M3 3l6 6M9 3l-6 6",
  queued: "M6 11A5 5 0 1 0 6 1a5 5 0 0 0 0 10M6 3.500V6l1.800 1.200",
  retry: "M10 6a4 4 0 1 1-1.200-2.800M10 1.500v2.200H7.800",
  skipped: "M2.500 6h7",
};

/** Every state word of MLflow, Airflow, the hub and serving, with its look and its word here. */
const STATES: Record<string, readonly [Tone, Key]> = {
  FINISHED: ["succeeded", "state.finished"], RUNNING: ["running", "state.running"], SCHEDULED: ["queued", "state.scheduled"],
  FAILED: ["failed", "state.failed"], KILLED: ["failed", "state.killed"],
  success: ["succeeded", "state.success"], running: ["running", "state.running"], failed: ["failed", "state.failed"],
  queued: ["queued", "state.queued"], scheduled: ["queued", "state.scheduled"], none: ["skipped", "state.none"],
  skipped: ["skipped", "state.skipped"], removed: ["skipped", "state.removed"], restarting: ["retry", "state.restarting"],
  up_for_retry: ["retry", "state.upForRetry"], up_for_reschedule: ["retry", "state.upForReschedule"],
  upstream_failed: ["failed", "state.upstreamFailed"], deferred: ["retry", "state.deferred"],
  awaiting_input: ["retry", "state.awaitingInput"],
  READY: ["succeeded", "state.ready"], NOT_READY: ["queued", "state.notReady"], IN_PROGRESS: ["running", "state.updating"],
  NOT_UPDATING: ["succeeded", "state.ready"], UPDATE_FAILED: ["failed", "state.updateFailed"],
  DEPLOYMENT_READY: ["succeeded", "state.ready"], DEPLOYMENT_CREATING: ["running", "state.deploying"],
  DEPLOYMENT_FAILED: ["failed", "state.failed"], DEPLOYMENT_RECOVERING: ["retry", "state.restarting"],
  DEPLOYMENT_ABORTED: ["failed", "state.failed"],
  PENDING_REGISTRATION: ["queued", "state.pendingRegistration"], FAILED_REGISTRATION: ["failed", "state.failed"],
  "server.ready": ["succeeded", "state.up"], "server.spawn": ["running", "state.starting"],
  "server.stop": ["retry", "state.stopping"], "server.stopped": ["skipped", "state.stopped"],
  building: ["running", "state.building"], ready: ["succeeded", "state.ready"], retired: ["skipped", "state.retired"],
};

export const tone = (state: string | null | undefined): Tone => STATES[state ?? "none"]?.[0] ?? "skipped";

export function stateWord(state: string | null | undefined): string {
  const known = STATES[state ?? "none"];
  return known ? t(known[1]) : String(state);
}

export function StateShape({ state, size = 12 }: { state: string | null | undefined; size?: number }) {
  const look = tone(state);
  return (
    <svg viewBox="0 0 12 12" width={size} height={size} aria-hidden="true" fill={look === "running" ? "currentColor" : "none"}
      stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round">
      <path d={SHAPES[look]} />
    </svg>
  );
}

export function State({ state, bare = false }: { state: string | null | undefined; bare?: boolean }) {
  return (
    <span className={`state tone-${tone(state)} ${bare ? "bare" : ""}`} data-state={state ?? "none"}>
      <StateShape state={state} />
      {stateWord(state)}
    </span>
  );
}
