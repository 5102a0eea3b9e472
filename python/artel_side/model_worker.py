"""Warm ``mlflow.pyfunc`` process in a model's own environment: standard library and mlflow only.

Loads one model and answers what MLflow's scoring server would, by the scoring server's own functions, without its HTTP.
Protocol: ../README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import struct
import sys
import time
import traceback

from artel_side import channel

JSON = "application/json"
EXAMPLE = "serving_input_example.json"  # MLflow writes it beside MLmodel when a model is logged with an input example
EXAMPLE_LIMIT = 64 * 1024  # bytes; a longer one warms the model up but is not told


class Model:
    """A loaded model and the answers to requests for it."""

    def __init__(self, folder: pathlib.Path) -> None:
        if not (folder / "MLmodel").is_file():
            raise FileNotFoundError(f"no MLmodel file in {folder}: give the folder of a logged model")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow
        from mlflow.pyfunc import scoring_server

        self.folder, self.mlflow, self.server = folder, mlflow, scoring_server
        load = getattr(scoring_server, "load_model_with_mlflow_config", mlflow.pyfunc.load_model)
        self.model = load(str(folder))
        self.schema = self.model.metadata.get_input_schema()
        os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"  # as the scoring server does once the model is loaded

    def answer(self, path: str, content_type: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body for one request."""
        if path in ("/ping", "/health"):
            return 200, JSON, b"\n"
        if path == "/version":
            return 200, JSON, self.mlflow.__version__.encode()
        if path != "/invocations":
            return 404, JSON, b'{"detail":"Not Found"}'
        try:
            result = self.server.invocations(body, content_type, self.model, self.schema)
        except self.mlflow.MlflowException as error:
            return error.get_http_status_code(), JSON, error.serialize_as_json().encode()
        except Exception as error:  # the scoring server turns these into a bare 500, but the input is what is wrong
            return 400, JSON, self.bad_request(error)
        return result.status, with_charset(result.mimetype), result.response.encode()

    def bad_request(self, error: Exception) -> bytes:
        from mlflow.protos.databricks_pb2 import BAD_REQUEST

        message = f"the request cannot be read: {type(error).__name__}: {error}"
        wrapped = self.mlflow.MlflowException(message, error_code=BAD_REQUEST, stack_trace=traceback.format_exc())
        return wrapped.serialize_as_json().encode()

    def example(self) -> str | None:
        """The request that the model was logged with, as JSON text."""
        path = self.folder / EXAMPLE
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def warm_up(self) -> bool:
        """Predict once, so that the first user does not wait for lazy imports."""
        example = self.example()
        if example is None:
            return False
        status, _, body = self.answer("/invocations", JSON, example.encode())
        if status != 200:
            print(f"warm-up with the input example failed: {body.decode(errors='replace')}", file=sys.stderr, flush=True)
        return status == 200

    def describe(self, warmed: bool) -> dict:
        """What the serving front wants to know of the model."""
        metadata = self.model.metadata
        signature = metadata.signature.to_dict() if metadata.signature else None
        example = self.example()
        return {
            "model_id": getattr(metadata, "model_id", None),
            "run_id": metadata.run_id,
            "flavors": sorted(metadata.flavors),
            "loader_module": metadata.flavors.get("python_function", {}).get("loader_module"),
            "mlflow_version": metadata.mlflow_version,
            "signature": signature,
            "metadata": metadata.metadata,
            "input_example": example if example and len(example) <= EXAMPLE_LIMIT else None,
            "warmed": warmed,
        }


def with_charset(mimetype: str) -> str:
    """The content type header that the scoring server's framework makes of ``mimetype``."""
    return f"{mimetype}; charset=utf-8" if mimetype.startswith("text/") else mimetype


def serve(control, model: Model) -> None:
    """Answer one request after the other until the front hangs up."""
    while True:
        payload = channel.receive(control)
        (size,) = struct.unpack_from(">I", payload)
        header = json.loads(payload[4 : 4 + size])
        body = bytes(payload[4 + size :])
        started = time.monotonic()
        status, content_type, answer = model.answer(
            header.get("path", "/invocations"), header.get("content_type") or "", body
        )
        told = {"id": header.get("id"), "status": status, "content_type": content_type,
                "seconds": round(time.monotonic() - started, 6)}
        tell(control, told, answer)


def tell(control, header: dict, body: bytes = b"") -> None:
    """Send one frame of this protocol: a JSON header and a raw body."""
    head = json.dumps(header, default=str).encode()
    channel.send(control, struct.pack(">I", len(head)), head, body)


def main() -> None:
    parser = argparse.ArgumentParser(prog="artel_side.model_worker")
    parser.add_argument("--control", default="fd:0", help="fd:N or the path of a Unix socket")
    parser.add_argument("--model", required=True, type=pathlib.Path, help="the folder with the MLmodel file")
    parser.add_argument("--no-warm-up", action="store_true", help="do not predict the model's input example at start")
    arguments = parser.parse_args()
    started = time.monotonic()
    channel.own_session()
    control = channel.connect(arguments.control)
    channel.exit_on_hangup(control)
    try:
        model = Model(arguments.model)
        described = model.describe(False if arguments.no_warm_up else model.warm_up())
    except BaseException as error:  # loading runs the model's own code, which may do anything
        tell(control, channel.failed(error))
        sys.exit(1)
    tell(control, channel.ready(started, {"mlflow": model.mlflow.__version__}, model=described))
    try:
        serve(control, model)
    except channel.Closed:
        pass


if __name__ == "__main__":
    main()
