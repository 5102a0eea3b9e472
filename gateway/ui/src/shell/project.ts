import { useParams } from "@tanstack/react-router";

/** The project every server has. Addresses name their project, so more can come without changing one. */
export const DEFAULT_PROJECT = "default";

export function useProject(): string {
  return useParams({ strict: false, select: (params) => params.project }) ?? DEFAULT_PROJECT;
}
