"""The published DVC and git, as their user runs them."""

import os
import pathlib
import subprocess
import sys
import time

ENVIRONMENT = dict(
    os.environ,
    DVC_NO_ANALYTICS="1",
    GIT_AUTHOR_NAME="a",
    GIT_AUTHOR_EMAIL="a@example.org",
    GIT_COMMITTER_NAME="a",
    GIT_COMMITTER_EMAIL="a@example.org",
)


def attempt(*command: str, cwd: pathlib.Path) -> tuple[int, str]:
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def run(*command: str, cwd: pathlib.Path) -> str:
    """Runs a program that must succeed."""
    status, out = attempt(*command, cwd=cwd)
    assert status == 0, f"{command} left with {status}\n{out}"
    return out


def dvc(*arguments: str, cwd: pathlib.Path) -> str:
    return run(sys.executable, "-m", "dvc", *arguments, cwd=cwd)


def timed(what: str, *arguments: str, cwd: pathlib.Path) -> str:
    started = time.monotonic()
    out = dvc(*arguments, cwd=cwd)
    print(f"{what}: {time.monotonic() - started:.1f} s")
    return out
