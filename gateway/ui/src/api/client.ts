/** The client generated from the server's own document: a path, a parameter or a field that it does not have does not compile. */
import createClient from "openapi-fetch";
import { send } from "./http";
import type { components, paths } from "./schema";

/** A schema of the document by its name. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** MLflow's messages call every field optional; these are the ones that an answer always has. */
export type Always<T, Field extends keyof T> = Omit<T, Field> & { [Name in Field]-?: NonNullable<T[Name]> };

export const api = createClient<paths>({ fetch: send, headers: { Accept: "application/json" } });

/** The body of an answer. Answers that are no success were thrown by `send`. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
