"""A person's browser at a notebook: logs in, starts a server, passes the OAuth dance, runs a file in a kernel.

    python notebook_session.py URL USER PASSWORD FILE.py

Prints what the file printed as the last lines of standard output; progress goes to standard error. Exits with 1 when
anything fails. Nothing is mocked: it speaks HTTP, server-sent events and the kernel's WebSocket as JupyterLab does.
"""

import json
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import requests
import websocket

NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}


def tell(*words):
    print(*words, file=sys.stderr, flush=True)


class Session:
    def __init__(self, base, user, password):
        self.base, self.user = base.rstrip("/"), user
        self.http = requests.Session()
        self.http.trust_env = False
        answer = self.http.post(
            self.base + "/hub/login", json={"username": user, "password": password}, headers={"Accept": "application/json"}, timeout=30
        )
        assert answer.status_code == 200, (answer.status_code, answer.text)
        assert answer.json()["name"] == user

    def xsrf(self, path):
        """The value of the _xsrf cookie whose path is longest, as a browser would send it."""
        matching = [c for c in self.http.cookies if c.name == "_xsrf" and path.startswith(c.path)]
        return max(matching, key=lambda c: len(c.path)).value.strip('"') if matching else ""

    def call(self, method, path, **more):
        headers = SCRIPT | {"X-XSRFToken": self.xsrf(path)} | more.pop("headers", {})
        return self.http.request(method, self.base + path, headers=headers, timeout=60, **more)

    def start_server(self):
        answer = self.call("POST", f"/hub/api/users/{self.user}/server")
        tell("start", answer.status_code)
        assert answer.status_code in (201, 202), answer.text
        path = f"/hub/api/users/{self.user}/server/progress"
        with self.call("GET", path, stream=True, headers={"Accept": "text/event-stream"}) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream"), stream.headers
            events = 0
            for line in stream.iter_lines(decode_unicode=True):
                if not line.startswith("data:"):
                    continue
                event, events = json.loads(line[5:]), events + 1
                tell("progress", event.get("progress"), event.get("message"))
                assert not event.get("failed"), event
                if event.get("ready"):
                    assert events > 1, "progress came only at the end"
                    return
        raise AssertionError("the progress ended without a server")

    def open_lab(self):
        """The page of JupyterLab, through the OAuth redirects."""
        answer = self.http.get(f"{self.base}/user/{self.user}/lab", headers=NAVIGATE, timeout=60)
        hops = [urlsplit(hop.url).path for hop in answer.history]
        assert any("oauth2/authorize" in hop for hop in hops), hops
        assert any("oauth_callback" in hop for hop in hops), hops
        assert answer.status_code == 200 and "jupyter-config-data" in answer.text, (answer.status_code, hops)
        tell("JupyterLab is open")

    def run(self, code):
        root = f"/user/{self.user}/"
        answer = self.call("POST", root + "api/kernels", json={"name": "python3"})
        assert answer.status_code == 201, (answer.status_code, answer.text)
        kernel, session, message = answer.json()["id"], uuid.uuid4().hex, uuid.uuid4().hex
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.http.cookies if root.startswith(c.path))
        url = self.base.replace("http", "ws", 1) + f"{root}api/kernels/{kernel}/channels?session_id={session}"
        socket = websocket.create_connection(url, cookie=cookies, origin=self.base, header={"Sec-Fetch-Mode": "websocket"}, timeout=300)
        header = {"msg_id": message, "username": self.user, "session": session, "msg_type": "execute_request", "version": "5.4", "date": ""}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        socket.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}))
        printed, replied, idle = "", False, False
        deadline = time.monotonic() + 300
        while not (replied and idle):
            assert time.monotonic() < deadline, "the kernel did not end"
            event = json.loads(socket.recv())
            if event["parent_header"].get("msg_id") != message:
                continue
            if event["msg_type"] == "stream" and event["content"]["name"] == "stdout":
                printed += event["content"]["text"]
            if event["msg_type"] == "stream" and event["content"]["name"] == "stderr":
                tell(event["content"]["text"].rstrip())
            if event["msg_type"] == "execute_reply":
                replied = True
                assert event["content"]["status"] == "ok", "\n".join(event["content"].get("traceback", [str(event["content"])]))
            if event["msg_type"] == "status" and event["content"]["execution_state"] == "idle":
                idle = True
        socket.close()
        assert self.call("DELETE", root + f"api/kernels/{kernel}").status_code == 204
        return printed


def main():
    base, user, password, file = sys.argv[1:5]
    session = Session(base, user, password)
    session.start_server()
    session.open_lab()
    assert session.run("print(1 + 1)") == "2\n"
    print(session.run(Path(file).read_text()), end="")


main()
