import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { fill, preferredLanguage, type Plural } from "../../src/i18n";
import { en } from "../../src/i18n/en";
import { ru } from "../../src/i18n/ru";

const english: Record<string, string | Plural> = en;
const russian: Record<string, string | Plural> = ru;
const texts = (message: string | Plural): string[] => (typeof message === "string" ? [message] : Object.values(message));
const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").toSorted();

describe("messages", () => {
  it("have the same keys and placeholders in both languages", () => {
    expect(Object.keys(russian).toSorted()).toEqual(Object.keys(english).toSorted());
    for (const [key, message] of Object.entries(english)) {
      const wanted = placeholders(texts(message)[0] ?? "");
      for (const text of [...texts(message), ...texts(russian[key] as string)]) expect(placeholders(text), key).toEqual(wanted);
    }
  });

  it("have every plural form that their language needs", () => {
    for (const [key, message] of Object.entries(english)) {
      if (typeof message === "string") continue;
      expect(typeof russian[key], key).toBe("object");
      expect(Object.keys(russian[key] as Plural).toSorted(), key).toEqual(["few", "many", "one", "other"]);
    }
  });

  it("are filled in the form of their count", () => {
    const rules = new Intl.PluralRules("ru");
    const words = [1, 2, 5, 21].map((count) => fill(russian["runs.count"] as Plural, rules, { count }));
    expect(words).toEqual(["1 запуск", "2 запуска", "5 запусков", "21 запуск"]);
  });

  it("are in the language that was chosen, else the browser's, else English", () => {
    expect(preferredLanguage("ru", ["en-US"])).toBe("ru");
    expect(preferredLanguage(null, ["fr-FR", "ru-RU", "en"])).toBe("ru");
    expect(preferredLanguage("xx", ["fr"])).toBe("en");
  });
});

/** Every source file under a folder. */
function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? sources(path) : path.endsWith(".tsx") ? [path] : [];
  });
}

/** Names of products and things that have no translation. */
const NAMES = new Set(["Artel", "Ctrl K", "MLmodel", "MLflow", "Airflow", "JupyterHub", "UTC", "curl", "Python", "train.py", "hello.py", "Ctrl", "Enter", "Alt"]);
const SPOKEN = new Set(["label", "title", "placeholder", "alt", "aria-label", "what", "text", "hint"]);

describe("pages", () => {
  it("speak only in messages", () => {
    const bare: string[] = [];
    const spoken = (text: string): boolean => /\p{L}{2,}/u.test(text) && !NAMES.has(text.trim());
    for (const path of sources(join(import.meta.dirname, "../../src"))) {
      const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
      const visit = (node: ts.Node): void => {
        // Code in a <code> element is code in every language.
        const inCode = ts.isJsxElement(node.parent ?? node) && (node.parent as ts.JsxElement).openingElement?.tagName.getText() === "code";
        if (ts.isJsxText(node) && spoken(node.text) && !inCode) bare.push(`${path}: ${node.text.trim()}`);
        if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText()) && node.initializer && ts.isStringLiteral(node.initializer)
          && spoken(node.initializer.text)) bare.push(`${path}: ${node.getText()}`);
        ts.forEachChild(node, visit);
      };
      visit(file);
    }
    expect(bare).toEqual([]);
  });
});
