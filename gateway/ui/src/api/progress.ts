/** The start of a notebook server as it goes on. */
import { progressUrl } from "./hub";

/** One step of a starting server. */
export interface Progress { progress: number; message?: string; ready?: boolean; failed?: boolean; url?: string }

/** Lets only so many do something at a time; the others wait for their turn. */
export class Turns {
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  /** Calls `begin` when it is its turn. The returned function ends the turn, or gives it up. */
  take(begin: () => void): () => void {
    let mine: "waits" | "has" | "over" = "waits";
    const go = (): void => {
      mine = "has";
      this.busy += 1;
      begin();
    };
    if (this.busy < this.most) go();
    else this.waiting.push(go);
    return () => {
      const before = mine;
      mine = "over";
      if (before === "waits") this.waiting.splice(this.waiting.indexOf(go), 1);
      if (before !== "has") return;
      this.busy -= 1;
      this.waiting.shift()?.();
    };
  }
}

// A browser opens only six connections to a plain-HTTP server: starts must leave some for everything else.
const turns = new Turns(3);

/** Follows a starting server until it is ready or has failed; returns how to stop following. */
export function followProgress(name: string, server: string, onStep: (step: Progress) => void): () => void {
  let source: EventSource | undefined;
  const end = turns.take(() => {
    source = new EventSource(progressUrl(name, server));
    source.onmessage = (event: MessageEvent<string>) => {
      const step = JSON.parse(event.data) as Progress;
      onStep(step);
      if (step.ready || step.failed) over();
    };
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) over();
    };
  });
  const over = (): void => {
    source?.close();
    end();
  };
  return over;
}

/** These steps and one more; the same one, heard again after a lost connection, only once. */
export const withStep = (steps: readonly Progress[], step: Progress): Progress[] =>
  [...steps.filter((known) => known.message !== step.message), step];
