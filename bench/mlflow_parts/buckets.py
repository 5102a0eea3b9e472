"""A large file in an S3 bucket: by boto3 directly, and through the artifact proxies of both servers."""

import subprocess
import sys
import tempfile
from pathlib import Path

from . import transfers
from .client import Client

# Runs with the stock server's interpreter, which has boto3 where S3 is used.
DIRECT = """
import boto3, os, sys, time
bucket, path, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
for action in (lambda: client.upload_file(path, bucket, "direct.bin"), lambda: client.download_file(bucket, "direct.bin", path + ".back")):
    began = time.perf_counter()
    action()
    print(megabytes / (time.perf_counter() - began))
assert open(path, "rb").read() == open(path + ".back", "rb").read()
"""


def parse(line):
    """As `infra/dev/s3` prints it: s3 endpoint=… region=… bucket=… key_id=… secret=…"""
    found = dict(part.split("=", 1) for part in line.split() if "=" in part)
    missing = {"endpoint", "bucket", "key_id", "secret"} - set(found)
    return found if not missing else sys.exit(f"mlflow bench: --s3 names no {', '.join(sorted(missing))}")


def direct(options, bucket, environment):
    """(upload, download) in MB per second."""
    with tempfile.TemporaryDirectory(prefix="artel-bench-") as folder:
        path = Path(folder, "big.bin")
        transfers.make(path, options.artifact_mb)
        command = [options.stock.parent / "python", "-c", DIRECT, bucket["bucket"], path, options.artifact_mb]
        done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"mlflow bench: boto3 failed:\n{done.stderr}")
        return tuple(map(float, done.stdout.split()))


def proxied(server, options):
    """(MB per second up, MB per second down, MB that it needed at most), through a server."""
    client = Client(server)
    server.settle()
    return transfers.measure(server, client, client.experiment("bucket"), options.artifact_mb)
