"""A small server in the place of JupyterLab. Files in its home say how it behaves: `silent` (it never answers),
`busy` (it has a kernel that computes)."""

import datetime
import http.server
import json
import os
import pathlib
import sys
import time
import urllib.parse

HERE = pathlib.Path.cwd()
URL = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
STARTED = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = urllib.parse.urlsplit(self.path)
        answer = {
            "api": lambda: {"version": "0"},
            "api/status": lambda: {"last_activity": STARTED},
            "api/kernels": self.kernels,
            "environment": lambda: dict(os.environ) | {"argv": sys.argv[1:], "cwd": str(HERE), "PID": os.getpid()},
            "headers": lambda: [[name.lower(), value] for name, value in self.headers.items()],
            "read": lambda: read(path.query),
            "allocate": lambda: {"fits": fits(int(path.query))},
        }[path.path.removeprefix(URL.path)]()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def kernels(self):
        if not self.headers.get("Authorization", "").startswith("token "):
            raise PermissionError(self.path)
        assert "no_track_activity=1" in self.path
        return [{"execution_state": "busy" if (HERE / "busy").exists() else "idle", "last_activity": STARTED}]

    def log_message(self, *_):
        pass


def read(file):
    try:
        return {"uid": os.getuid(), "groups": os.getgroups(), "bytes": len(pathlib.Path(file).read_bytes())}
    except OSError as error:
        return {"uid": os.getuid(), "groups": os.getgroups(), "error": error.strerror}


def fits(mib):
    try:
        return len(bytearray(mib * 1024 * 1024)) > 0
    except MemoryError:
        return False


while (HERE / "silent").exists():
    time.sleep(0.1)
http.server.ThreadingHTTPServer((URL.hostname, URL.port), Handler).serve_forever()
