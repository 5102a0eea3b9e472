"""What a session of boto3 does with a bucket, with its results asserted.

Any S3 server will do: the address is `AWS_ENDPOINT_URL_S3`, the key the
client's own variables. The bucket is made and removed. The size of the large
file comes from `LARGE_MIB`. Leaves with 0 when everything held, and with the
first broken assertion otherwise.
"""

import hashlib
import os
import pathlib
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = f"session-{uuid.uuid4().hex[:12]}"
LARGE = int(os.environ.get("LARGE_MIB", "64")) * 1024 * 1024
ODD_KEYS = ["plain", "a b+c%25", "папка/файл.txt", "a//b", "../up", "~=&?#", "emoji-\U0001f600"]


def refusal(call) -> str:
    """The code of the error that `call` must end with."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("it was not refused")


def objects(s3) -> None:
    """Any key comes back with its bytes and its metadata."""
    for key in ODD_KEYS:
        body = key.encode()
        put = s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="text/x", Metadata={"colour": "red"})
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"', put
        got = s3.get_object(Bucket=BUCKET, Key=key)
        assert got["Body"].read() == body
        assert (got["ContentType"], got["Metadata"]) == ("text/x", {"colour": "red"}), got
        part = s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=1-2")
        assert part["Body"].read() == body[1:3] and part["ResponseMetadata"]["HTTPStatusCode"] == 206
    names = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert names == sorted(ODD_KEYS, key=lambda key: key.encode()), names
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 2})
    assert [found["Key"] for page in pages for found in page["Contents"]] == names
    first = s3.get_paginator("list_objects").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 2})
    assert [found["Key"] for page in first for found in page["Contents"]] == names
    folders = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")["CommonPrefixes"]
    assert [folder["Prefix"] for folder in folders] == ["../", "a/", "папка/"], folders
    copied = s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": ODD_KEYS[1]})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(ODD_KEYS[1].encode()).hexdigest()}"'
    assert refusal(lambda: s3.put_object(Bucket=BUCKET, Key="copy", Body=b"x", IfNoneMatch="*")) == "PreconditionFailed"
    assert refusal(lambda: s3.get_object(Bucket=BUCKET, Key="none")) == "NoSuchKey"
    assert refusal(lambda: s3.get_object(Bucket=BUCKET + "-none", Key="none")) == "NoSuchBucket"
    assert refusal(lambda: s3.head_object(Bucket=BUCKET, Key="none")) == "404"
    assert refusal(lambda: s3.delete_bucket(Bucket=BUCKET)) == "BucketNotEmpty"


def checksums(s3) -> None:
    """Every checksum that the client knows is computed alike on both sides."""
    for algorithm in ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"]:
        try:
            put = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"some bytes", ChecksumAlgorithm=algorithm)
        except Exception as error:  # the client needs a package for it
            assert "awscrt" in str(error).lower() or "crt" in str(error).lower(), error
            continue
        kept = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        assert kept[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"], (put, kept)
    wrong = lambda: s3.put_object(Bucket=BUCKET, Key="wrong", Body=b"some bytes", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert refusal(wrong) == "BadDigest"
    assert refusal(lambda: s3.head_object(Bucket=BUCKET, Key="wrong")) == "404"


def presigned(s3) -> None:
    """A URL works without a client, in both versions of signatures, for what it was made for."""
    endpoint = os.environ["AWS_ENDPOINT_URL_S3"]
    fourth = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(signature_version="s3v4"))
    for client in [s3, fourth]:
        up = client.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "by url+ü"}, ExpiresIn=60)
        with urllib.request.urlopen(urllib.request.Request(up, data=b"by url", method="PUT", headers={"Content-Type": ""})) as answer:
            assert answer.status == 200
        params = {"Bucket": BUCKET, "Key": "by url+ü", "ResponseContentType": "text/y"}
        down = client.generate_presigned_url("get_object", Params=params, ExpiresIn=60)
        with urllib.request.urlopen(down) as answer:
            assert (answer.read(), answer.headers["Content-Type"]) == (b"by url", "text/y")
        try:
            urllib.request.urlopen(down.replace("by%20url", "copy"))
            raise AssertionError("the URL is good for another key")
        except urllib.error.HTTPError as error:
            assert error.code == 403, error


def large(s3, folder: pathlib.Path) -> None:
    """A large file goes up in parts and comes down in parts, and is copied in parts."""
    source, target = folder / "source", folder / "target"
    block = os.urandom(1024 * 1024)
    digest = hashlib.sha256()
    with source.open("wb") as file:
        for number in range(LARGE // len(block)):
            piece = number.to_bytes(8, "big") + block[8:]
            digest.update(piece)
            file.write(piece)
    started = time.monotonic()
    s3.upload_file(str(source), BUCKET, "large.bin")
    up = time.monotonic() - started
    source.unlink()
    started = time.monotonic()
    s3.download_file(BUCKET, "large.bin", str(target))
    down = time.monotonic() - started
    found = hashlib.sha256()
    with target.open("rb") as file:
        while piece := file.read(1024 * 1024):
            found.update(piece)
    assert found.digest() == digest.digest(), "the file came back changed"
    target.unlink()
    mib = LARGE / 1024 / 1024
    print(f"large file: {mib:.0f} MiB, up {mib / up:.0f} MiB/s, down {mib / down:.0f} MiB/s")
    small = TransferConfig(multipart_threshold=8 * 1024 * 1024, multipart_chunksize=8 * 1024 * 1024)
    if LARGE <= 256 * 1024 * 1024:
        s3.copy({"Bucket": BUCKET, "Key": "large.bin"}, BUCKET, "large-copy.bin", Config=small)
        assert s3.head_object(Bucket=BUCKET, Key="large-copy.bin")["ContentLength"] == LARGE


def uploads(s3) -> None:
    """An upload is seen when it is completed, and leaves nothing when it is given up."""
    begun = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")
    where = {"Bucket": BUCKET, "Key": "parts", "UploadId": begun["UploadId"]}
    part = s3.upload_part(**where, PartNumber=1, Body=b"x" * 100)
    listed = s3.list_parts(**where)
    assert [(found["PartNumber"], found["Size"]) for found in listed["Parts"]] == [(1, 100)], listed
    assert [found["Key"] for found in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == ["parts"]
    s3.abort_multipart_upload(**where)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert refusal(lambda: s3.complete_multipart_upload(**where, MultipartUpload=parts)) == "NoSuchUpload"


def main() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    assert BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    objects(s3)
    checksums(s3)
    presigned(s3)
    uploads(s3)
    with tempfile.TemporaryDirectory() as folder:
        large(s3, pathlib.Path(folder))
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.objects.all().delete()
    assert list(bucket.objects.all()) == []
    bucket.delete()
    if os.environ.get("SIGNATURES_COUNT") == "1":
        wrong = boto3.client("s3", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key="not the secret")
        assert refusal(wrong.list_buckets) == "SignatureDoesNotMatch"
    print("boto3: all held")


if __name__ == "__main__":
    sys.exit(main())
