"""The published DVC with its cache behind `/dvc/{repo}`, with the results asserted.

The address is `ARTEL_URL`, the credentials `ARTEL_USER` and `ARTEL_PASSWORD`,
and `ARTEL_TOKEN` for a remote that sends a header of its own. `FILES` small
files are pushed and pulled. Leaves with 0 when everything held.
"""

import os
import pathlib
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import uuid

from client import attempt, dvc, run, timed

URL = os.environ["ARTEL_URL"].rstrip("/")
FILES = int(os.environ.get("FILES", "300"))
REMOTE = f"{URL}/dvc/tests/{uuid.uuid4().hex[:8]}"


def basic(folder: pathlib.Path, password: str) -> None:
    """The remote with a user and a password (or a token in its place), which stay out of git."""
    dvc("remote", "add", "-f", "-d", "artel", REMOTE, cwd=folder)
    dvc("remote", "modify", "artel", "auth", "basic", cwd=folder)
    dvc("remote", "modify", "--local", "artel", "user", os.environ["ARTEL_USER"], cwd=folder)
    dvc("remote", "modify", "--local", "artel", "password", password, cwd=folder)


def header(folder: pathlib.Path) -> None:
    """The remote with a token in a header that the user names."""
    dvc("remote", "add", "-f", "-d", "artel", REMOTE, cwd=folder)
    dvc("remote", "modify", "artel", "auth", "custom", cwd=folder)
    dvc("remote", "modify", "artel", "custom_auth_header", "Authorization", cwd=folder)
    dvc("remote", "modify", "--local", "artel", "password", "Bearer " + os.environ["ARTEL_TOKEN"], cwd=folder)


def pushed(work: pathlib.Path) -> None:
    """Everything is pushed once."""
    run("git", "init", "-q", cwd=work)
    dvc("init", "-q", cwd=work)
    dvc("config", "core.check_update", "false", cwd=work)
    basic(work, os.environ["ARTEL_PASSWORD"])
    small = work / "small"
    small.mkdir()
    for number in range(FILES):
        (small / f"{number:04}.txt").write_text(f"file {number}\n" * 10)
    (work / "single.bin").write_bytes(os.urandom(3_000_000))
    (work / "empty").write_bytes(b"")
    dvc("add", "-q", "small", "single.bin", "empty", cwd=work)
    assert "new:" in dvc("status", "-c", cwd=work)
    out = timed(f"push of {FILES} files", "push", cwd=work)
    assert f"{FILES + 3} files pushed" in out, out  # with the list of the folder
    assert "in sync" in dvc("status", "-c", cwd=work)
    assert "Everything is up to date" in timed("push of nothing new", "push", cwd=work)
    run("git", "add", ".", cwd=work)
    run("git", "commit", "-qm", "one", cwd=work)


def changed(work: pathlib.Path) -> None:
    """After one more file only that and the new list are pushed; PUT works as well as POST."""
    dvc("remote", "modify", "artel", "method", "PUT", cwd=work)
    (work / "small" / "more.txt").write_text("more\n")
    dvc("add", "-q", "small", cwd=work)
    out = timed("push of one more", "push", cwd=work)
    assert "2 files pushed" in out, out
    run("git", "commit", "-qam", "two", cwd=work)


def pulled(work: pathlib.Path, how) -> None:
    """Somebody else gets every byte."""
    clone = work.parent / "clone"
    run("git", "clone", "-q", str(work), str(clone), cwd=work.parent)
    how(clone)
    timed(f"pull of {FILES + 1} files", "pull", cwd=clone)
    for name in ["single.bin", "empty", *(f"small/{found.name}" for found in (work / "small").iterdir())]:
        assert (clone / name).read_bytes() == (work / name).read_bytes(), name
    assert len(list((clone / "small").iterdir())) == FILES + 1
    shutil.rmtree(clone)


def refused(work: pathlib.Path) -> None:
    """Who is nobody, or wrong about the password, gets nothing."""
    clone = work.parent / "stranger"
    run("git", "clone", "-q", str(work), str(clone), cwd=work.parent)
    basic(clone, "wrong")
    status, out = attempt(sys.executable, "-m", "dvc", "pull", "single.bin.dvc", cwd=clone)
    assert status != 0 and not (clone / "single.bin").exists(), out
    try:
        urllib.request.urlopen(f"{REMOTE}/files/md5/00/00000000000000000000000000000000"[:-2])
    except urllib.error.HTTPError as error:
        assert error.code == 401, error
    else:
        raise AssertionError("an object was read by nobody")
    shutil.rmtree(clone)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder) / "work"
        work.mkdir()
        pushed(work)
        changed(work)
        pulled(work, lambda clone: basic(clone, os.environ["ARTEL_PASSWORD"]))
        pulled(work, lambda clone: basic(clone, os.environ["ARTEL_TOKEN"]))
        pulled(work, header)
        refused(work)
    print("dvc over http: all held")


if __name__ == "__main__":
    main()
