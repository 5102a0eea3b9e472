"""The published DVC with its cache in S3, with the results asserted.

The address is `AWS_ENDPOINT_URL_S3`, the key the client's own variables, the
bucket `BUCKET`. `FILES` small files and one of `LARGE_MIB` are pushed, pulled,
collected and imported. Leaves with 0 when everything held.
"""

import os
import pathlib
import shutil
import tempfile
import uuid

import boto3
from client import dvc, run, timed

BUCKET = os.environ["BUCKET"]
FILES = int(os.environ.get("FILES", "300"))
LARGE_MIB = int(os.environ.get("LARGE_MIB", "200"))
ENDPOINT = os.environ["AWS_ENDPOINT_URL_S3"]
PREFIX = f"dvc-{uuid.uuid4().hex[:8]}"


def keys(s3) -> set[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX + "/cache")
    return {found["Key"] for page in pages for found in page.get("Contents", [])}


def large_file(path: pathlib.Path) -> None:
    block = os.urandom(1024 * 1024)
    with path.open("wb") as file:
        for number in range(LARGE_MIB):
            file.write(number.to_bytes(8, "big") + block[8:])


def repository(folder: pathlib.Path) -> None:
    run("git", "init", "-q", cwd=folder)
    dvc("init", "-q", cwd=folder)
    dvc("remote", "add", "-d", "store", f"s3://{BUCKET}/{PREFIX}/cache", cwd=folder)
    dvc("remote", "modify", "store", "endpointurl", ENDPOINT, cwd=folder)


def pushed_and_pulled(s3, work: pathlib.Path) -> None:
    """Everything that is pushed is pulled by somebody else, byte by byte."""
    repository(work)
    small = work / "small"
    small.mkdir()
    for number in range(FILES):
        (small / f"{number:04}.txt").write_text(f"file {number}\n" * 10)
    large_file(work / "large.bin")
    dvc("add", "-q", "small", "large.bin", cwd=work)
    run("git", "add", ".", cwd=work)
    run("git", "commit", "-qm", "one", cwd=work)
    timed(f"push of {FILES} files and {LARGE_MIB} MiB", "push", cwd=work)
    assert len(keys(s3)) == FILES + 2, len(keys(s3))  # with the list of the folder
    assert "in sync" in dvc("status", "-c", cwd=work)
    assert "Everything is up to date" in dvc("push", cwd=work)

    clone = work.parent / "clone"
    run("git", "clone", "-q", str(work), str(clone), cwd=work.parent)
    timed(f"pull of {FILES} files and {LARGE_MIB} MiB", "pull", cwd=clone)
    assert sorted(found.name for found in (clone / "small").iterdir()) == [f"{n:04}.txt" for n in range(FILES)]
    run("cmp", str(work / "large.bin"), str(clone / "large.bin"), cwd=work)
    assert (clone / "small" / "0007.txt").read_text() == "file 7\n" * 10
    shutil.rmtree(clone)


def collected(s3, work: pathlib.Path) -> None:
    """What no revision that is kept points to leaves the remote."""
    shutil.rmtree(work / "small")
    (work / "small").mkdir()
    (work / "small" / "only.txt").write_text("only\n")
    (work / "large.bin").unlink()
    (work / "large.bin.dvc").unlink()
    dvc("add", "-q", "small", cwd=work)
    dvc("push", "-q", cwd=work)
    timed("gc of the remote", "gc", "-w", "-c", "-f", cwd=work)
    assert len(keys(s3)) == 2, keys(s3)
    shutil.rmtree(work / ".dvc" / "cache")
    shutil.rmtree(work / "small")
    dvc("pull", "-q", cwd=work)
    assert (work / "small" / "only.txt").read_text() == "only\n"


def imported(s3, work: pathlib.Path) -> None:
    """A file that others put into the bucket is imported, and updated when it changes."""
    key = f"{PREFIX}/elsewhere/data.csv"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"a,b\n1,2\n")
    dvc("remote", "add", "others", f"s3://{BUCKET}/{PREFIX}/elsewhere", cwd=work)
    dvc("remote", "modify", "others", "endpointurl", ENDPOINT, cwd=work)
    dvc("import-url", "-q", "remote://others/data.csv", "data.csv", cwd=work)
    assert (work / "data.csv").read_text() == "a,b\n1,2\n"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"a,b\n3,4\n")
    dvc("update", "-q", "data.csv.dvc", cwd=work)
    assert (work / "data.csv").read_text() == "a,b\n3,4\n"


def main() -> None:
    s3 = boto3.client("s3")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder) / "work"
        work.mkdir()
        pushed_and_pulled(s3, work)
        collected(s3, work)
        imported(s3, work)
    boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix=PREFIX).delete()
    print("dvc on s3: all held")


if __name__ == "__main__":
    main()
