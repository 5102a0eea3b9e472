"""JupyterHub's own tests, unmodified, with any program as its proxy.

usage: proxy_suite.py PROXY [MODULE ...] [--outcomes FILE]

PROXY is a command line that takes configurable-http-proxy's flags: `configurable-http-proxy` itself, or `artel proxy`. It is put
on the PATH under that name, as a user would do it. MODULE is a file of jupyterhub/tests, test_proxy where none is given;
browsers are left out. A test that fails is run again, at most twice, as upstream's CI does: many have limits of seconds.
--outcomes writes a line for each test, to be compared with those of another proxy.
"""

import argparse
import base64
import hashlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

# From upstream's pytest.ini, which is in no wheel.
OPTIONS = [
    "-o", "asyncio_mode=auto",
    "-o", "asyncio_default_fixture_loop_scope=module",
    "-o", "asyncio_default_test_loop_scope=module",
    "-p", "no:jupyter_server", "-p", "no:cacheprovider",
    "-m", "not browser", "--reruns", "2", "-q", "-W", "ignore",
]  # fmt: skip


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("proxy")
    options.add_argument("modules", nargs="*", default=["test_proxy"])
    options.add_argument("--outcomes", type=Path)
    options = options.parse_args()
    for module in options.modules:
        unmodified(f"jupyterhub/tests/{module}.py")
    with tempfile.TemporaryDirectory(prefix="artel-hub-") as folder:
        outcomes, starts = run(options.proxy, options.modules, Path(folder))
    if options.outcomes:
        options.outcomes.write_text("".join(f"{outcome} {test}\n" for test, outcome in sorted(outcomes.items())))
    counted = {outcome: list(outcomes.values()).count(outcome) for outcome in ("passed", "skipped", "failed")}
    print(f"proxy suite: {counted}, the proxy was started {starts} times")
    assert starts, "the tests never started the proxy"
    failed = [test for test, outcome in outcomes.items() if outcome == "failed"]
    assert not failed, "\n".join(failed)
    print(f"proxy suite: all {counted['passed']} held")


def unmodified(file):
    """The file is the wheel's."""
    listed = {str(path): path for path in importlib.metadata.files("jupyterhub")}[file]
    digest = hashlib.sha256(listed.locate().read_bytes()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == listed.hash.value, f"{file} was changed"


def run(proxy, modules, folder):
    """Outcome by test, and how often the proxy was started."""
    starts, report = folder / "starts", folder / "report.xml"
    starts.touch()
    wrapper = folder / "bin/configurable-http-proxy"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho started >>{starts}; exec {proxy} "$@"\n')
    wrapper.chmod(0o755)
    here = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{wrapper.parent}:{here}:{os.environ['PATH']}", "TMPDIR": str(folder)}
    # a hub that these tests run in would say too much
    for name in [name for name in environment if name.startswith(("JUPYTERHUB_", "CONFIGPROXY_"))]:
        del environment[name]
    tests = [f"jupyterhub.tests.{module}" for module in modules]
    command = [sys.executable, "-m", "pytest", *OPTIONS, f"--junitxml={report}", "--pyargs", *tests]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not report.exists():
        sys.exit(f"pytest left with {done.returncode}\n{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}")
    outcomes = {}
    for case in xml.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        outcomes[f"{case.get('classname').rpartition('.')[2]}::{case.get('name')}"] = outcome
    if "failed" in outcomes.values():
        print(done.stdout[-20_000:])
    return outcomes, len(starts.read_text().splitlines())


if __name__ == "__main__":
    main()
