import { describe, expect, it } from "vitest";
import { csrfToken, explain, url } from "../../src/api/http";
import { aliasesOf, loggedModelOf } from "../../src/api/registry";
import { modelFileUrl } from "../../src/api/tracking";
import { deploySearch, loginSearch, parseSearch, runsSearch, stringifySearch, taskSearch } from "../../src/search";

describe("errors", () => {
  const json = "application/json";
  it("are read in every dialect", () => {
    expect(explain('{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no run"}', json)).toEqual({ code: "RESOURCE_DOES_NOT_EXIST", message: "no run" });
    expect(explain('{"status":403,"message":"may not"}', json)).toEqual({ code: "", message: "may not" });
    expect(explain('{"title":"Not Found","detail":"no dag","status":404}', json)).toEqual({ code: "Not Found", message: "no dag" });
    expect(explain('{"detail":[{"loc":["body","conf"],"msg":"must be an object"}]}', json).message).toBe("body.conf: must be an object");
    expect(explain('{"error":{"code":"Unauthenticated","message":"log in"}}', json)).toEqual({ code: "Unauthenticated", message: "log in" });
    expect(explain("broken pipe", "text/plain").message).toBe("broken pipe");
    expect(explain("<html>502</html>", "text/html").message).toBe("");
  });
});

describe("requests", () => {
  it("repeat list parameters and leave absent ones out", () => {
    expect(url("/x", { run_ids: ["a", "b"], path: undefined, n: 2, on: true })).toBe("/x?run_ids=a&run_ids=b&n=2&on=true");
    expect(url("/x", {})).toBe("/x");
  });

  it("carry the CSRF token of the cookie", () => {
    expect(csrfToken("a=1; _xsrf=t%3Dk; b=2")).toBe("t=k");
    expect(csrfToken("my_xsrf=1")).toBe("");
  });

  it("find the files of the logged model behind a version", () => {
    expect(loggedModelOf({ source: "models:/m-0a1b" })).toBe("m-0a1b");
    expect(loggedModelOf({ source: "mlflow-artifacts:/1/2/artifacts/model" })).toBe("");
    expect(modelFileUrl("m-0a1b", "MLmodel")).toBe("/ajax-api/2.0/mlflow/logged-models/m-0a1b/artifacts/files?artifact_file_path=MLmodel");
  });

  it("know a version's aliases from either side", () => {
    expect(aliasesOf({ version: "2", aliases: ["b"] }, { aliases: [{ alias: "a", version: "2" }, { alias: "c", version: "1" }] })).toEqual(["a", "b"]);
  });
});

describe("addresses", () => {
  it("send nobody to another site after the login", () => {
    expect(loginSearch({ next: "/user/a/lab?x=1" })).toEqual({ next: "/user/a/lab?x=1" });
    for (const next of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", ""]) expect(loginSearch({ next })).toEqual({});
  });

  it("can be read, and say the same again", () => {
    const search = { q: "metrics.`a/b` > 0.5", cols: ["metrics.a", "params.b"], diff: true };
    const text = stringifySearch(search);
    expect(text).toBe("?q=metrics.%60a/b%60+%3E+0.5&cols=metrics.a,params.b&diff=true");
    expect(runsSearch(parseSearch(text))).toEqual({ ...search, sort: undefined });
    expect(stringifySearch({ q: undefined })).toBe("");
    expect(deploySearch(parseSearch("?model=wine&version=1"))).toEqual({ model: "wine", alias: undefined, version: "1" });
  });

  it("drop what is malformed", () => {
    expect(runsSearch({ q: "", cols: "metrics.a,params.b", diff: "yes", sort: 3 })).toEqual({ q: undefined, sort: "3", cols: ["metrics.a", "params.b"] });
    expect(taskSearch({ map: "x", attempt: "2" })).toEqual({ map: undefined, attempt: 2 });
  });
});
