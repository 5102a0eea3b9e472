"""Who may ask, for a token and with one; and requests that are none of the API."""

from case import delete, get, patch, post, put, request

FILES, DAGS, UNPAUSED = (), (), ()
USER = {"username": "admin", "password": "{password}"}
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
TEXT = (("Content-Type", "text/plain"),)
XML = (("Content-Type", "application/xml"),)

TOKEN = [
    post("/auth/token", USER, by=None),
    post("/auth/token", USER, by="admin", again="with a token"),
    post("/auth/token", USER | {"password": "wrong"}, by=None),
    post("/auth/token", {"username": "nobody", "password": "x"}, by=None),
    post("/auth/token", {"username": "", "password": ""}, by=None),
    post("/auth/token", {"username": "admin"}, by=None),
    post("/auth/token", {"password": "x"}, by=None),
    post("/auth/token", {}, by=None),
    post("/auth/token", USER | {"more": 1}, by=None),
    post("/auth/token", {"username": 1, "password": 2}, by=None),
    post("/auth/token", {"username": None, "password": ["x"]}, by=None),
    post("/auth/token", [], by=None),
    post("/auth/token", None, by=None),
    post("/auth/token", by=None),
    post("/auth/token", raw=b"{", by=None),
    post("/auth/token", raw=b"username=admin&password=wrong", headers=FORM, by=None),
    post("/auth/token", raw=b"username=admin", headers=FORM, by=None),
    post("/auth/token", raw=b"username=admin&password=x", headers=TEXT, by=None),
    get("/auth/token", by=None),
    put("/auth/token", USER, by=None),
    post("/auth/token/cli", USER, by=None),
    post("/auth/token/cli", USER | {"password": "wrong"}, by=None),
    post("/auth/token/cli", {}, by=None),
    get("/auth/token/login", by=None),
    post("/auth/nothing", {}, by=None),
]

# with no token and with one that is none: every kind of route
CLOSED = [
    ("GET", "dags"), ("GET", "dags/nothing"), ("PATCH", "dags/nothing"), ("DELETE", "dags/nothing"), ("GET", "dags/~/dagRuns"),
    ("POST", "dags/nothing/dagRuns"), ("GET", "dags/~/dagRuns/~/taskInstances"), ("POST", "dags/nothing/clearTaskInstances"),
    ("GET", "dags/~/dagRuns/~/taskInstances/~/xcomEntries"), ("GET", "variables"), ("POST", "variables"), ("PATCH", "variables"),
    ("GET", "connections"), ("POST", "connections/test"), ("GET", "pools"), ("DELETE", "pools/nothing"), ("GET", "assets"),
    ("POST", "assets/events"), ("GET", "backfills"), ("POST", "backfills"), ("GET", "eventLogs"), ("GET", "jobs"), ("GET", "providers"),
    ("GET", "plugins"), ("GET", "importErrors"), ("GET", "dagWarnings"), ("GET", "dagStats"), ("GET", "dagTags"), ("GET", "config"),
    ("GET", "dagSources/nothing"), ("PUT", "parseDagFile/nothing"), ("GET", "version"), ("GET", "auth/logout"),
    ("GET", "nothing"),
]  # fmt: skip
REFUSED = [request(method, path, by=by) for method, path in CLOSED for by in (None, "nobody")] + [
    get("dags", by=None, headers=(("Authorization", "Basic YWRtaW46d3Jvbmc="),)),
    get("dags", by=None, headers=(("Authorization", "Bearer"),)),
    get("dags", by=None, headers=(("Authorization", "Token x"),)),
    get("dags", by=None, headers=(("Cookie", "_token=e30.e30.e30"),)),
    get("monitor/health", by="nobody", sort=()),
]

ROUTES = [
    get("nothing"),
    get("dags/a/b/c/d"),
    post("dags", {}),
    put("dags/nothing", {}),
    delete("variables"),
    put("variables/nothing", {}),
    post("version", {}),
    delete("monitor/health"),
    patch("eventLogs", {}),
    post("jobs", {}),
    get("dags/"),
    get("pools/"),
    get("/api/v2"),
    get("/api/v2/"),
    get("/api/v1/dags"),
    get("dags?unknown=1"),
    get("pools?limit=1&limit=2"),
    request("HEAD", "dags"),
    request("OPTIONS", "dags"),
]

BODIES = [
    post("variables", raw=b'{"key": "a", "value": "b"}', headers=TEXT),
    post("variables", raw=b'{"key": "a", "value": "b"}', headers=XML),
    post("variables", raw=b"key=a&value=b", headers=FORM),
    post("variables", raw=b"", again="of length 0"),
    post("variables"),
    post("variables", raw=b"{"),
    post("variables", raw=b'{"key": "a", }'),
    post("variables", raw=b'{"key": "a", "value": nothing}'),
    post("variables", raw=b'"text"'),
    post("variables", raw=b"1"),
    post("variables", raw=b"[]"),
    post("variables", None),
    post("variables", raw=b"[{}]", headers=(("Content-Type", "application/vnd.api+json"),)),
    post("variables", raw=b'{"key": "charset", "value": "1"}', headers=(("Content-Type", "application/json; charset=utf-8"),)),
    delete("variables/charset"),
    delete("variables/charset", again="gone"),
]

CASES = TOKEN + REFUSED + ROUTES + BODIES
