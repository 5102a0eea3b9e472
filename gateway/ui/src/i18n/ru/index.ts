import type { Key, Plural } from "../index";
import { build } from "./build";
import { common } from "./common";
import { operate } from "./operate";

/** A key that is missing, or one too many, does not compile. */
export const ru: Record<Key, string | Plural> = { ...common, ...build, ...operate } satisfies Record<Key, string | Plural>;
