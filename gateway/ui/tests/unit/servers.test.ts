import { describe, expect, it } from "vitest";
import { activeServers, fullName, mayOver, namedServers, notebookUrl, progressUrl, serverState, spawnUrl, type Server, type User } from "../../src/api/hub";
import { Turns, withStep, type Progress } from "../../src/api/progress";
import { LONGEST, nameProblem } from "../../src/pages/notebooks/names";

const server = (name: string, more: Partial<Server> = {}): Server => ({
  name, display_name: name, full_name: `ada/${name}`, progress_url: "", url: "", ready: false, stopped: true, user_options: {}, ...more,
});
const user = (name: string, servers: readonly Server[], more: Partial<User> = {}): User =>
  ({ kind: "user", name, servers: Object.fromEntries(servers.map((one) => [one.name, one])), ...more });
const runs = { ready: true, stopped: false };

describe("a user's servers", () => {
  it("that have a name are listed by it, without the default one", () => {
    expect(namedServers(user("ada", [server("two"), server(""), server("gpu", runs)])).map((one) => one.name)).toEqual(["gpu", "two"]);
    expect(namedServers({ kind: "user", name: "ada" })).toEqual([]);
  });

  it("that do something are listed one by one, the default one first", () => {
    const ada = user("ada", [server("two", runs), server("off"), server("", runs)]);
    const bob = user("bob", [server("new", { stopped: false, pending: "spawn" })]);
    expect(activeServers([ada, bob, user("eve", [])]).map((owned) => fullName(owned.user.name, owned.server.name))).toEqual(["ada", "ada/two", "bob/new"]);
  });

  it("have a state", () => {
    expect(serverState(undefined)).toBe("server.stopped");
    expect(serverState(server("gpu", runs))).toBe("server.ready");
    expect(serverState(server("gpu", { ...runs, pending: "stop" }))).toBe("server.stop");
  });

  it("have addresses by their names", () => {
    expect([notebookUrl("ada"), spawnUrl("ada", ""), progressUrl("ada", "")]).toEqual(["/user/ada/lab", "/hub/spawn/ada", "/hub/api/users/ada/server/progress"]);
    expect([notebookUrl("a@b", "gpu"), spawnUrl("a@b", "gpu"), progressUrl("a@b", "gpu")])
      .toEqual(["/user/a%40b/gpu/lab", "/hub/spawn/a%40b/gpu", "/hub/api/users/a%40b/servers/gpu/progress"]);
  });

  it("may be used by whoever holds the scope over them", () => {
    const owned = { user: user("ada", [], { groups: ["lab"] }), server: server("gpu") };
    for (const scope of ["*", "access:servers", "access:servers!user=ada", "access:servers!server=ada/gpu", "access:servers!group=lab"]) {
      expect(mayOver([scope], "access:servers", owned), scope).toBe(true);
    }
    for (const scope of ["delete:servers", "access:servers!user=bob", "access:servers!server=ada/", "access:servers!group=staff"]) {
      expect(mayOver([scope], "access:servers", owned), scope).toBe(false);
    }
  });
});

describe("the name of a new server", () => {
  it("is told to be wrong before it is sent", () => {
    expect(["", "gpu", "GPU-2", "a.b_c", "a".repeat(LONGEST)].map((name) => nameProblem(name, ["two"]))).toEqual(Array(5).fill(undefined));
    expect(["-a", ".a", "ю", " a"].map((name) => nameProblem(name, []))).toEqual(Array(4).fill("begin"));
    expect(["a b", "a/b", "gpü", "a\n"].map((name) => nameProblem(name, []))).toEqual(Array(4).fill("letters"));
    expect(nameProblem("a".repeat(LONGEST + 1), [])).toBe("long");
    expect(nameProblem("two", ["gpu", "two"])).toBe("taken");
  });
});

describe("starts that are followed", () => {
  it("wait for their turn when there are many", () => {
    const turns = new Turns(2);
    const begun: string[] = [];
    const take = (name: string): (() => void) => turns.take(() => begun.push(name));
    const [a, , c] = [take("a"), take("b"), take("c"), take("d")];
    expect(begun).toEqual(["a", "b"]);
    c?.();
    a?.();
    a?.();
    expect(begun).toEqual(["a", "b", "d"]);
    take("e");
    expect(begun).toEqual(["a", "b", "d"]);
  });

  it("show each step once, also when it is heard again", () => {
    const [first, second] = [{ progress: 0, message: "requested" }, { progress: 50, message: "starting" }];
    expect([first, second, first].reduce(withStep, [] as Progress[])).toEqual([second, first]);
    expect(withStep([first], second)).toEqual([first, second]);
  });
});
