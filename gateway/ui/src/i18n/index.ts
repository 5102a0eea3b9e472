/**
 * The words of the web app, in two languages. English is the source: its keys and placeholders are types, so a key
 * that does not exist, or a placeholder that is not filled, does not compile. Russian loads only where it is used.
 */
import { useSyncExternalStore } from "react";
import { en } from "./en";

export type Language = "en" | "ru";
export const LANGUAGES: readonly Language[] = ["en", "ru"];

/** Forms by CLDR plural category: English has one and other, Russian also few and many. */
export interface Plural {
  readonly one: string;
  readonly few?: string;
  readonly many?: string;
  readonly other: string;
}
export type Messages = Record<Key, string | Plural>;
export type Key = keyof typeof en;

type Source = typeof en;
type Placeholders<S extends string> = S extends `${string}{${infer P}}${infer Rest}` ? P | Placeholders<Rest> : never;
type Params<K extends Key> = Source[K] extends string
  ? Placeholders<Source[K]>
  : Source[K] extends { other: infer O extends string } ? Placeholders<O> | "count" : never;
type Args<K extends Key> = [Params<K>] extends [never] ? [] : [Record<Params<K>, string | number>];

const KEY = "artel.language";
let language: Language = "en";
let messages: Messages = en;
let rules = new Intl.PluralRules("en");
const listeners = new Set<() => void>();

/** The language chosen before, else the first of the browser's that there is, else English. */
export function preferredLanguage(stored: string | null, wanted: readonly string[]): Language {
  if (stored === "en" || stored === "ru") return stored;
  for (const tag of wanted) {
    const base = tag.slice(0, 2).toLowerCase();
    if (base === "en" || base === "ru") return base;
  }
  return "en";
}

/** Loads a language's words and shows them. Called once before the first paint, then at every change. */
export async function loadLanguage(next: Language): Promise<void> {
  messages = next === "ru" ? (await import("./ru")).ru : en;
  language = next;
  rules = new Intl.PluralRules(next);
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

export async function setLanguage(next: Language): Promise<void> {
  localStorage.setItem(KEY, next);
  await loadLanguage(next);
}

export function startLanguage(): Promise<void> {
  return loadLanguage(preferredLanguage(localStorage.getItem(KEY), navigator.languages));
}

export const currentLanguage = (): Language => language;

/** The root listens and mounts everything anew in the other language; so `t` needs no hook anywhere else. */
export function useLanguage(): Language {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentLanguage);
}

/** Fills a message: `{name}` by its value, a plural by its `count`. */
export function fill(message: string | Plural, plural: Intl.PluralRules, params: Record<string, string | number>): string {
  const text = typeof message === "string" ? message : form(message, plural, Number(params.count));
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ""));
}

function form(message: Plural, plural: Intl.PluralRules, count: number): string {
  const category = plural.select(count);
  if (category === "one" || category === "few" || category === "many") return message[category] ?? message.other;
  return message.other;
}

export function t<K extends Key>(key: K, ...args: Args<K>): string {
  return fill(messages[key], rules, args[0] ?? {});
}
