"""Large files between the published MLflow client and the object store itself.

For a server whose artifacts are in S3. The address is `MLFLOW_TRACKING_URI`,
credentials are the client's own variables. Leaves with 0 when everything held.
"""

import os
import pathlib
import tempfile

# the client asks the server what it can do, so nothing else is set; parts are as small as S3 allows
os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(6 * 1024 * 1024)
os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(5 * 1024 * 1024)
os.environ["MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE"] = str(4 * 1024 * 1024)

import mlflow
import requests
from mlflow.utils import request_utils

SERVER = os.environ["MLFLOW_TRACKING_URI"].rstrip("/")
SIZE = 12 * 1024 * 1024 + 17

puts: list[str] = []
put = requests.put


def counted(url, *arguments, **named):
    puts.append(url)
    return put(url, *arguments, **named)


requests.put = counted

gets: list[str] = []
get = request_utils.cloud_storage_http_request


def counted_get(method, url, *arguments, **named):
    gets.append(url)
    return get(method, url, *arguments, **named)


request_utils.cloud_storage_http_request = counted_get


def main() -> None:
    mlflow.set_experiment("direct transfers")
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        large = pathlib.Path(folder) / "weights.bin"
        large.write_bytes(os.urandom(SIZE))
        small = pathlib.Path(folder) / "notes.txt"
        small.write_text("small")
        mlflow.log_artifact(str(large), "model")
        mlflow.log_artifact(str(small), "model")
        assert len(puts) == 3 and not any(url.startswith(SERVER) for url in puts), puts
        files = {file.path: file.file_size for file in mlflow.MlflowClient().list_artifacts(run.info.run_id, "model")}
        assert files == {"model/notes.txt": 5, "model/weights.bin": SIZE}, files

        got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="model", dst_path=str(pathlib.Path(folder) / "got"))
        assert (pathlib.Path(got) / "weights.bin").read_bytes() == large.read_bytes()
        assert (pathlib.Path(got) / "notes.txt").read_text() == "small"
        assert gets and not any(url.startswith(SERVER) for url in gets), gets

        # the same file once more through the server itself
        os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "false"
        os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] = "false"
        mlflow.log_artifact(str(large), "again")
        again = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="again/weights.bin", dst_path=str(pathlib.Path(folder) / "third"))
        assert pathlib.Path(again).read_bytes() == large.read_bytes()
        assert len(puts) == 3, puts
    print("direct transfers: all held")


if __name__ == "__main__":
    main()
