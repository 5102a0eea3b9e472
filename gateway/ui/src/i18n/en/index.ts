import { build } from "./build";
import { common } from "./common";
import { operate } from "./operate";

/** English: the source of the keys and of their placeholders. */
export const en = { ...common, ...build, ...operate } as const;
