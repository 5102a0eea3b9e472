"""JupyterHub itself: with its own local processes, a stub instead of JupyterLab, any password, and no proxy."""

import contextlib
import http.cookies
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from ports import free_port  # noqa: E402


@contextlib.contextmanager
def running():
    """Yields the URL of a hub with the settings of `stock_config.py`."""
    with tempfile.TemporaryDirectory(prefix="hub-") as folder:
        port = free_port()
        log = open(pathlib.Path(folder, "log"), "wb")
        command = [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "stock_config.py")]
        environment = {"STOCK_PORT": str(port), "PATH": str(pathlib.Path(sys.executable).parent) + ":/usr/bin:/bin", "HOME": folder}
        hub = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            url = f"http://127.0.0.1:{port}"
            wait(url + "/hub/api/", hub, log.name)
            yield url
        finally:
            hub.send_signal(signal.SIGTERM)
            try:
                hub.wait(20)
            except subprocess.TimeoutExpired:
                hub.kill()


def wait(url, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5)
            return
        time.sleep(0.2)
    raise SystemExit(f"JupyterHub did not start:\n{pathlib.Path(log).read_text()[-3000:]}")


def login(runner, user) -> dict:
    """Fills in the form, as a browser does."""
    status, headers, _ = runner.send("GET", "/hub/login", {})
    jar = cookies(headers)
    form = urllib.parse.urlencode({"username": user, "password": runner.passwords[user], "_xsrf": jar["_xsrf"]}).encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())}
    status, headers, text = runner.send("POST", "/hub/login", sent, form)
    if status != 302:
        raise SystemExit(f"{user} cannot log in: {status} {text[:500]}")
    jar |= cookies(headers)
    # the token of a session is made with its first page
    _, headers, _ = runner.send("GET", "/hub/token", {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())})
    return jar | cookies(headers)


def cookies(headers) -> dict:
    found = {}
    for line in headers.get_all("Set-Cookie") or []:
        found |= {name: morsel.value for name, morsel in http.cookies.SimpleCookie(line).items()}
    return found
