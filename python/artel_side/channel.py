"""What the three processes share: the control socket, its frames, and how a process ends. Standard library only."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback

_LENGTH = struct.Struct(">I")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


class Closed(Exception):
    """The other end of the control socket is gone."""


def connect(spec: str) -> socket.socket:
    """Open the control socket named by ``fd:N`` or a path, out of reach of user code that reads stdin."""
    if not spec.startswith("fd:"):
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        control.connect(spec)
        return control
    given = int(spec[3:])
    control = socket.socket(fileno=os.dup(given))
    if given == 0:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
    else:
        os.close(given)
    control.set_inheritable(False)
    return control


def own_session() -> None:
    """Leave the session of whoever started us, so that a terminal's Ctrl-C is theirs to pass on."""
    try:
        os.setsid()
    except PermissionError:
        pass  # already a group leader, because the starter asked for it


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread of ``parent`` that forked it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the call above
        os._exit(1)


def adopt_orphans() -> None:
    """Make this process, not init, the parent of descendants whose own parent ends."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def exit_on_hangup(control: socket.socket) -> None:
    """End this process as soon as the other end closes, even while it is busy with something else."""

    def watch() -> None:
        poll = select.poll()
        poll.register(control, select.POLLRDHUP | select.POLLHUP)
        poll.poll()
        os._exit(0)

    threading.Thread(target=watch, name="hangup", daemon=True).start()


def read_exactly(sock: socket.socket, size: int) -> bytearray:
    """Read ``size`` bytes or raise :class:`Closed`."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = sock.recv_into(view)
        if count == 0:
            raise Closed
        view = view[count:]
    return data


def receive(sock: socket.socket) -> bytearray:
    """Read one frame's payload."""
    (size,) = _LENGTH.unpack(read_exactly(sock, _LENGTH.size))
    return read_exactly(sock, size)


def receive_with_fds(sock: socket.socket, most: int) -> tuple[bytearray, list[int]]:
    """Read one frame to whose first bytes up to ``most`` descriptors are attached."""
    head, fds, _, _ = socket.recv_fds(sock, _LENGTH.size, most)
    if not head:
        raise Closed
    (size,) = _LENGTH.unpack(head + read_exactly(sock, _LENGTH.size - len(head)))
    return read_exactly(sock, size), fds


def send_with_fds(sock: socket.socket, payload: bytes, fds: list[int]) -> None:
    """Write one frame with descriptors attached to its length."""
    socket.send_fds(sock, [_LENGTH.pack(len(payload))], fds)
    sock.sendall(payload)


def receive_json(sock: socket.socket) -> dict:
    """Read one JSON frame."""
    return json.loads(receive(sock))


def send(sock: socket.socket, *parts: bytes) -> None:
    """Write one frame whose payload is ``parts`` joined."""
    size = sum(len(part) for part in parts)
    try:
        sock.sendall(b"".join((_LENGTH.pack(size), *parts)))
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def send_json(sock: socket.socket, message: object, mark: bytes = b"") -> None:
    """Write one JSON frame, its payload preceded by ``mark``."""
    send(sock, mark, json.dumps(message, separators=(",", ":"), default=str).encode())


def ready(started: float, versions: dict[str, str], **more: object) -> dict:
    """The first message of a process that can do its work. ``started`` is from ``time.monotonic``."""
    return {
        "event": "ready",
        "pid": os.getpid(),
        "seconds": round(time.monotonic() - started, 3),
        "python": ".".join(map(str, sys.version_info[:3])),
        "versions": versions,
        **more,
    }


def failed(error: BaseException) -> dict:
    """The only message of a process that cannot do its work."""
    lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    return {"event": "failed", "error": lines[-1] if lines else type(error).__name__, "traceback": traceback.format_exc()}


def preload(names: str) -> None:
    """Import comma-separated modules once, before forking. One that cannot be imported is only reported on stderr."""
    for name in filter(None, names.split(",")):
        try:
            importlib.import_module(name)
        except Exception as error:  # a module of the user's choice may fail in any way
            print(f"cannot preload {name}: {error}", file=sys.stderr, flush=True)


def after_fork() -> None:
    """Undo what a forked child must not share with its siblings: numpy keeps one random state per process."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
