"""One running process of ``artel_side`` with its control socket: what the Rust side does, in a few lines."""

from __future__ import annotations

import json
import pathlib
import socket
import struct
import subprocess

PYTHON = pathlib.Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # seconds that any answer may take on a busy machine


class Side:
    """Starts ``module`` with its control socket as stdin and reads its first message."""

    def __init__(self, python: pathlib.Path, module: str, *arguments: str, env: dict[str, str], log: pathlib.Path) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        self.control = ours
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [python, "-m", f"artel_side.{module}", "--control", "fd:0", *arguments],
                stdin=theirs, stdout=output, stderr=output, cwd=PYTHON, env=env,
            )
        theirs.close()
        self.hello = self.receive_hello()

    def receive_hello(self) -> dict:
        return self.receive()

    def receive_bytes(self) -> bytes:
        (size,) = struct.unpack(">I", self.exactly(4))
        return self.exactly(size)

    def receive(self) -> dict:
        return json.loads(self.receive_bytes())

    def send(self, message: dict) -> None:
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, payload: bytes) -> None:
        self.control.sendall(struct.pack(">I", len(payload)) + payload)

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.control.recv(size - len(data))
            if not more:
                raise EOFError(f"the process closed its control socket, exit status {self.process.wait(PATIENCE)}")
            data += more
        return data

    def close(self) -> int:
        """Hang up; the process has to end by itself."""
        self.control.close()
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
