/** Keyboard shortcuts of the whole app; pages add their own lists' keys themselves. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { setTheme, theme } from "../theme/theme";
import { useProject } from "./project";

const KEY = "artel.shortcuts";
export const shortcutsOn = (): boolean => localStorage.getItem(KEY) !== "off";
export const setShortcuts = (on: boolean): void => localStorage.setItem(KEY, on ? "on" : "off");

/** True while keys belong to whatever is being typed in, or to an open dialog or menu. */
export function keysAreTaken(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.matches("input, textarea, select, [contenteditable], [role=menuitem], [role=menuitemradio]")
    || target.closest("[role=dialog], [role=menu]") !== null;
}

const PLACES = {
  h: "/p/$project", e: "/p/$project/experiments", p: "/p/$project/pipelines", m: "/p/$project/models",
  d: "/p/$project/deployments", n: "/p/$project/notebooks",
} as const;

export function useShortcuts({ onPalette, onHelp }: { onPalette: () => void; onHelp: () => void }): void {
  const navigate = useNavigate();
  const project = useProject();
  const going = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.code === "KeyK") {
        event.preventDefault();
        onPalette();
        return;
      }
      if (!shortcutsOn() || event.ctrlKey || event.metaKey || keysAreTaken(event.target)) return;
      if (event.altKey) {
        if (event.code === "KeyT") setTheme(theme() === "dark" ? "light" : "dark");
        return;
      }
      if (event.key === "?") return onHelp();
      if (event.key === "/") {
        const filter = document.querySelector<HTMLInputElement>("[data-filter]");
        if (!filter) return;
        event.preventDefault();
        filter.focus();
        filter.select();
        return;
      }
      // By the key's place, so that it works on a Russian keyboard too.
      const letter = event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : "";
      if (letter === "g") {
        going.current = event.timeStamp;
        return;
      }
      if (event.timeStamp - going.current > 1000 || !(letter in PLACES)) return;
      going.current = 0;
      event.stopPropagation();
      void navigate({ to: PLACES[letter as keyof typeof PLACES], params: { project } });
    };
    document.addEventListener("keydown", onKey, true);
    return () => document.removeEventListener("keydown", onKey, true);
  }, [navigate, project, onPalette, onHelp]);
}
