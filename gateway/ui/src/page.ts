/** Pages load when they are opened. A part that cannot be loaded is an error of the page, not the end of the app. */
import { lazyRouteComponent } from "@tanstack/react-router";
import { lazy, type ComponentType } from "react";
import { t } from "./i18n";

/** A part of the app did not arrive: the server is away, or serves another version by now. */
export class LoadError extends Error {}

// Each route has its component's own props; the router checks them where the component is used.
type Module = Record<string, any>;

export const page = <M extends Module, Name extends keyof M & string>(load: () => Promise<M>, name: Name) =>
  lazyRouteComponent(() => load().catch((cause: unknown) => {
    throw new LoadError(t("error.load"), { cause });
  }), name);

/** A part of the frame: left out when it does not arrive, so that the page stays. */
export const part = <Props>(load: () => Promise<{ default: ComponentType<Props> }>) =>
  lazy(() => load().catch(() => ({ default: (() => null) as ComponentType<Props> })));

const KEY = "artel.reloaded";
const AGAIN_MS = 10_000;

/** Loads the page anew, but not over and over. */
export function reload(): void {
  const last = Number(sessionStorage.getItem(KEY) ?? 0);
  if (Date.now() - last < AGAIN_MS) return;
  sessionStorage.setItem(KEY, String(Date.now()));
  window.location.reload();
}
