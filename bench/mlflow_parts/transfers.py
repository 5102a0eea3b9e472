"""A large file through an artifact proxy, from disk and to disk as clients do it, in blocks of a megabyte."""

import filecmp
import http.client
import os
import tempfile
import time
from pathlib import Path

BLOCK = 1 << 20


def make(path, megabytes):
    """Of bytes that no layer can shorten."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(BLOCK))


def measure(server, client, experiment, megabytes):
    """(MB per second up, MB per second down, MB that the server needed for it at most)."""
    url = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{client.run(experiment)}/artifacts/big.bin"
    with tempfile.TemporaryDirectory(prefix="artel-bench-") as folder:
        sent, got = Path(folder, "big.bin"), Path(folder, "big.back")
        make(sent, megabytes)
        before = server.resident_mb()
        server.forget_peak()
        speeds = []
        for transfer, path in ((upload, sent), (download, got)):
            began = time.perf_counter()
            transfer(server.port, url, path)
            speeds.append(megabytes / (time.perf_counter() - began))
        extra = server.peak_mb() - before
        assert filecmp.cmp(sent, got, shallow=False), "the artifact came back changed"
    return (*speeds, max(0.0, extra))


def upload(port, url, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, blocksize=BLOCK)
    with path.open("rb") as file:
        connection.request("PUT", url, file, {"Content-Length": str(path.stat().st_size)})
        checked(connection, "PUT", url).read()
    connection.close()


def download(port, url, path):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", url)
    answer, block = checked(connection, "GET", url), memoryview(bytearray(BLOCK))
    with path.open("wb") as file:
        while read := answer.readinto(block):
            file.write(block[:read])
    connection.close()


def checked(connection, method, url):
    answer = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"mlflow bench: {method} {url} gave {answer.status}: {answer.read(500)}")
    return answer
