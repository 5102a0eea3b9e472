import { useMutation, useQuery, useQueryClient, type UseMutationResult } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { startServer, stopServer, userQuery, type Server, type User } from "../../api/hub";
import { followProgress, withStep, type Progress } from "../../api/progress";

type Action = Pick<UseMutationResult<unknown, Error, void>, "error" | "isPending" | "mutate" | "reset">;

/** A server of that user, its start and stop, and the steps of a start for as long as one is under way. */
export function useServer(user: User, name: string): { server: Server | undefined; steps: Progress[]; starting: boolean; start: Action; stop: Action } {
  const client = useQueryClient();
  const server = user.servers?.[name];
  const pending = server?.pending === "spawn";
  const [steps, setSteps] = useState<Progress[]>([]);
  const refetch = useCallback(() => client.invalidateQueries({ queryKey: ["user", user.name] }), [client, user.name]);
  const start = useMutation({ mutationFn: () => startServer(user.name, name), onSettled: refetch });
  const stop = useMutation({ mutationFn: () => stopServer(user.name, name), onSettled: refetch });
  // The request answers only when the server runs; that the start has begun is seen in the user.
  useQuery({ ...userQuery(user.name), refetchInterval: start.isPending && !pending ? 500 : false });
  useEffect(() => {
    if (!pending) return;
    // Whoever follows hears every step from the first on.
    setSteps([]);
    return followProgress(user.name, name, (step) => {
      setSteps((before) => withStep(before, step));
      if (step.ready || step.failed) void refetch();
    });
  }, [pending, user.name, name, refetch]);
  return { server, steps, starting: start.isPending || pending, start, stop };
}
