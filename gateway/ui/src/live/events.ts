/**
 * The one event stream of this browser. Tabs of the same browser share it: whichever holds the lock is connected and
 * tells the others over a BroadcastChannel, because a browser opens only six connections to a plain-HTTP server.
 * Web Locks exist only in secure contexts (HTTPS, localhost); elsewhere every tab connects by itself.
 */
import { useSyncExternalStore } from "react";
import { queryClient } from "../api/query";
import { Coalescer, isStale, type LiveEvent } from "./stale";

export type LiveState = "live" | "reconnecting" | "off";
type Message = { kind: "event"; event: LiveEvent } | { kind: "state"; state: LiveState } | { kind: "reset" } | { kind: "hello" };

const CHANNEL = "artel.events";
let state: LiveState = "off";
const listeners = new Set<() => void>();

function setState(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

export function useLive(): LiveState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => state);
}

const coalescer = new Coalescer((events) =>
  queryClient.invalidateQueries({ predicate: (query) => isStale(query, events) }, { cancelRefetch: true }));

/** After a gap nobody knows what was missed: everything on the page is fetched again. */
function reset(): void {
  void queryClient.invalidateQueries({ predicate: (query) => query.meta?.topics !== undefined });
}

function apply(message: Message): void {
  if (message.kind === "event") coalescer.add(message.event);
  if (message.kind === "reset") reset();
  if (message.kind === "state") setState(message.state);
}

/** Listens until the returned function is called. */
export function startLive(): () => void {
  const stopped = new AbortController();
  const channel = new BroadcastChannel(CHANNEL);
  let leading = false;
  const tell = (message: Message): void => {
    apply(message);
    channel.postMessage(message);
  };
  channel.onmessage = (event: MessageEvent<Message>) => {
    if (event.data.kind !== "hello") apply(event.data);
    else if (leading) channel.postMessage({ kind: "state", state } satisfies Message);
  };
  setState("reconnecting");

  const lead = async (): Promise<void> => {
    leading = true;
    // Another tab was connected until now: what happened between its last event and this connection is unknown.
    if (state === "live") tell({ kind: "reset" });
    await connect(tell, stopped.signal);
    leading = false;
  };
  if ("locks" in navigator) {
    navigator.locks.request(CHANNEL, { signal: stopped.signal }, lead).catch((error: Error) => {
      if (error.name !== "AbortError") console.error(error);
    });
    channel.postMessage({ kind: "hello" } satisfies Message);
  } else {
    void lead();
  }
  return () => {
    stopped.abort();
    channel.close();
    coalescer.stop();
    setState("off");
  };
}

/** Holds the connection until it is told to stop. EventSource resumes by itself with Last-Event-ID. */
function connect(tell: (message: Message) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let source: EventSource | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      source = new EventSource("/events");
      source.onopen = () => tell({ kind: "state", state: "live" });
      source.onmessage = (event) => tell({ kind: "event", event: JSON.parse(event.data) as LiveEvent });
      source.addEventListener("reset", () => tell({ kind: "reset" }));
      source.onerror = () => {
        tell({ kind: "state", state: "reconnecting" });
        // An answer that is no stream (a proxy's error page) ends an EventSource for good: begin again, and refetch
        // everything, since a new one resumes nothing.
        if (source?.readyState !== EventSource.CLOSED) return;
        retry = setTimeout(() => {
          open();
          tell({ kind: "reset" });
        }, 3000);
      };
    };
    open();
    signal.addEventListener("abort", () => {
      clearTimeout(retry);
      source?.close();
      resolve();
    }, { once: true });
  });
}
