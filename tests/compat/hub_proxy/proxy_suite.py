"""JupyterHub's own tests, unmodified, with any program as its proxy.

usage: proxy_suite.py PROXY [MODULE ...] [--ssl] [--outcomes FILE] [--against FILE]

PROXY is a command line that takes configurable-http-proxy's flags: `configurable-http-proxy` itself, or `artel proxy`. It is put
on the PATH under that name, as a user would do it. MODULE is a file of jupyterhub/tests, test_proxy where none is given, or `all`
for every file whose tests start a proxy; browsers are left out. With --ssl the hub, the proxy and the servers show each other
certificates (`internal_ssl`), as one of upstream's CI jobs has it. A test that fails is run again, at most twice: many have limits
of seconds.

--outcomes writes a line for each test. --against compares with such a file of another proxy: then only a test that ends in another
way than there is an error, as some fail on any proxy. That both hold the same, in about twenty minutes each:

    proxy_suite.py configurable-http-proxy all --outcomes stock
    proxy_suite.py 'artel proxy' all --against stock

Python is one in which requirements.txt is installed. As root its notebook servers are told that root may start them: a test waits
for one without end.
"""

import argparse
import base64
import hashlib
import importlib.metadata
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path

# Those that use upstream's fixture `app`, a hub with a proxy; the others are about the hub's own parts.
ALL = [
    "test_api", "test_app", "test_auth_expiry", "test_eventlog", "test_internal_ssl_connections",
    "test_internal_ssl_connections_external_authorities", "test_metrics", "test_named_servers", "test_pages", "test_proxy",
    "test_roles", "test_scopes", "test_services", "test_services_auth", "test_shares", "test_singleuser", "test_spawner",
    "test_unix_socket", "test_user",
]  # fmt: skip

# From upstream's pytest.ini, which is in no wheel.
OPTIONS = [
    "-o", "asyncio_mode=auto",
    "-o", "asyncio_default_fixture_loop_scope=module",
    "-o", "asyncio_default_test_loop_scope=module",
    "-p", "no:jupyter_server", "-p", "no:cacheprovider",
    "-m", "not browser", "--reruns", "2", "-q", "-W", "ignore",
]  # fmt: skip

# Of one file; the longest takes a few minutes.
SECONDS = 1800


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("proxy")
    options.add_argument("modules", nargs="*", default=["test_proxy"])
    options.add_argument("--ssl", action="store_true")
    options.add_argument("--outcomes", type=Path)
    options.add_argument("--against", type=Path)
    options = options.parse_args()
    # a shell's background jobs ignore it, and so would the hub's servers, which are stopped by it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.getuid() == 0:
        allow_root()
    modules = ALL if options.modules == ["all"] else options.modules
    for module in modules:
        unmodified(f"jupyterhub/tests/{module}.py")
    with tempfile.TemporaryDirectory(prefix="artel-hub-") as folder:
        suite = Suite(options.proxy, options.ssl, Path(folder))
        outcomes = {}
        for module in modules:
            outcomes |= suite.run(module)
            # after each file: some take minutes
            if options.outcomes:
                options.outcomes.write_text("".join(f"{outcome} {test}\n" for test, outcome in sorted(outcomes.items())))
        starts = suite.started()
    print(f"proxy suite: {counted(outcomes)}; the proxy was started {starts} times")
    assert starts, "the tests never started the proxy"
    if options.against:
        compare(outcomes, read(options.against), modules)
        return
    failed = [test for test, outcome in outcomes.items() if outcome == "failed"]
    assert not failed, "\n".join(failed)
    print(f"proxy suite: all {list(outcomes.values()).count('passed')} held")


def unmodified(file):
    """The file is the wheel's."""
    listed = {str(path): path for path in importlib.metadata.files("jupyterhub")}[file]
    digest = hashlib.sha256(listed.locate().read_bytes()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == listed.hash.value, f"{file} was changed"


class Suite:
    """Runs files of tests with a proxy, each in a process of its own."""

    def __init__(self, proxy, ssl, folder):
        self.folder, self.starts = folder, folder / "starts"
        self.starts.touch()
        wrapper = folder / "bin/configurable-http-proxy"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\necho started >>{shlex.quote(str(self.starts))}; exec {found(proxy)} "$@"\n')
        wrapper.chmod(0o755)
        # a hub that these tests run in would say too much
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTERHUB_", "CONFIGPROXY_"))}
        here = Path(sys.executable).parent
        self.environment = {**kept, "PATH": f"{wrapper.parent}:{here}:{os.environ['PATH']}", "TMPDIR": str(folder)}
        if ssl:
            self.environment["SSL_ENABLED"] = "1"

    def started(self):
        """How often the proxy was started."""
        return len(self.starts.read_text().splitlines())

    def run(self, module):
        """Outcome by test; says what failed."""
        began, report = time.monotonic(), self.folder / f"{module}.xml"
        command = [sys.executable, "-m", "pytest", *OPTIONS, f"--junitxml={report}", "--pyargs", f"jupyterhub.tests.{module}"]
        try:
            done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            sys.exit(f"{module} did not end within {SECONDS} s")
        if done.returncode not in (0, 1) or not report.exists():
            sys.exit(f"{module}: pytest left with {done.returncode}\n{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}")
        outcomes = {}
        for case in xml.parse(report).iter("testcase"):
            kinds = {child.tag for child in case}
            outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            outcomes[f"{module}::{case.get('name')}"] = outcome
        if "failed" in outcomes.values():
            print(done.stdout[-20_000:])
        print(f"{module}: {counted(outcomes)} in {time.monotonic() - began:.0f} s", flush=True)
        return outcomes


def allow_root():
    """Jupyter's servers refuse to be root's; the tests' spawner passes on nothing that would tell them but this Python's own folder."""
    folder = Path(sys.prefix, "etc/jupyter")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "jupyter_server_config.json").write_text('{"ServerApp": {"allow_root": true}}')


def found(proxy):
    """The command line with the program's whole path: the wrapper has its name and is found first."""
    program, *arguments = shlex.split(proxy)
    path = shutil.which(program) or sys.exit(f"{program} is not on the PATH")
    return shlex.join([os.path.abspath(path), *arguments])


def counted(outcomes):
    counts = Counter(outcomes.values())
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "skipped", "failed"))


def read(file):
    """Outcome by test, as --outcomes writes it."""
    pairs = (line.split(" ", 1) for line in file.read_text().splitlines())
    return {test: outcome for outcome, test in pairs}


def compare(outcomes, others, modules):
    """Each test ended as with the other proxy."""
    others = {test: outcome for test, outcome in others.items() if test.split("::")[0] in modules}
    for test in sorted(outcomes.keys() & others.keys()):
        if outcomes[test] == others[test] == "failed":
            print(f"fails with either proxy: {test}")
    differ = [
        f"{test}: {outcomes.get(test, 'not run')}, with the other proxy {others.get(test, 'not run')}"
        for test in sorted(outcomes.keys() | others.keys())
        if outcomes.get(test) != others.get(test)
    ]
    assert not differ, "\n".join(differ)
    print(f"proxy suite: {len(outcomes)} ended as with the other proxy")


if __name__ == "__main__":
    main()
