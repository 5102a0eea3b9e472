import { useEffect, useState } from "react";
import type { Layout, LayoutRequest } from "./layout";

/** Layouts by what was laid out, so that going back to a DAG draws at once. */
const cache = new Map<string, Layout>();

export function useLayout(request: LayoutRequest): Layout | null {
  const key = JSON.stringify(request);
  const [, setDone] = useState("");
  useEffect(() => {
    if (cache.has(key)) return;
    const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = (event: MessageEvent<Layout>) => {
      cache.set(key, event.data);
      setDone(key);
      worker.terminate();
    };
    worker.postMessage(JSON.parse(key));
    return () => worker.terminate();
  }, [key]);
  return cache.get(key) ?? null;
}
