import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Token } from "../../src/api/hub";
import { MadeToken } from "../../src/pages/token";
import { s3Snippet } from "../../src/snippets";

const s3 = { access_key_id: "4f1c", secret_access_key: "s3cret" };
const made = { id: "4f1c", token: "t0ken", s3 } as Token;

beforeAll(() => void vi.stubGlobal("window", { location: { origin: "http://artel:8000" } }));

describe("a token that was just made", () => {
  it("shows itself and its S3 access key, each to be copied", () => {
    const shown = renderToStaticMarkup(createElement(MadeToken, { token: made }));
    for (const value of ["t0ken", "4f1c", "s3cret"]) expect(shown).toContain(`>${value}</code>`);
    expect(shown.match(/<button/g)).toHaveLength(3);
  });

  it("shows no key where the server gave none", () => {
    const shown = renderToStaticMarkup(createElement(MadeToken, { token: { ...made, s3: null } }));
    expect(shown).not.toContain("access-key");
  });

  it("is in the lines for S3 clients, with the address of the endpoint", () => {
    expect(s3Snippet(s3)).toContain("AWS_ACCESS_KEY_ID=4f1c\nexport AWS_SECRET_ACCESS_KEY=s3cret\n");
    expect(s3Snippet(s3)).toContain("AWS_ENDPOINT_URL_S3=http://artel:8000/s3 ");
    expect(s3Snippet(null)).toContain("<secret access key>");
  });
});
