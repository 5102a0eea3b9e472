"""A client that costs little beside the server it asks: raw sockets that are kept, many at a time, in one thread."""

import json
import select
import socket
import sys
import time
import urllib.parse
from typing import NamedTuple

LENGTH, CHUNKED = b"\r\ncontent-length:", b"\r\ntransfer-encoding: chunked"
# Seconds without any answer after which there will be none.
PATIENCE = 300


class Answer(NamedTuple):
    """`raw` is the whole of it, head and body; `seconds` are from the request's first byte to its own last."""

    raw: bytes
    seconds: float

    @property
    def status(self):
        return int(self.raw[9:12])

    @property
    def head(self):
        return self.raw.partition(b"\r\n\r\n")[0].decode()

    @property
    def body(self):
        head, _, body = self.raw.partition(b"\r\n\r\n")
        return b"".join(chunks(body)) if CHUNKED in head.lower() else body

    def cookies(self):
        lines = (line.partition(":") for line in self.head.splitlines())
        set_ = (value.split(";")[0].strip() for name, _, value in lines if name.lower() == "set-cookie")
        return dict(pair.partition("=")[::2] for pair in set_)


def chunks(body):
    """The parts of a chunked body."""
    at = 0
    while size := int(body[at : (begin := body.index(b"\r\n", at))].partition(b";")[0], 16):
        yield body[begin + 2 : begin + 2 + size]
        at = begin + 2 + size + 2


def request(method, path, token=None, body=None, form=None, cookies=None):
    """The bytes of a request; a `body` is sent as JSON, or is it already."""
    data, kind = b"", None
    if form is not None:
        data, kind = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
    elif body is not None:
        data, kind = body if isinstance(body, bytes) else json.dumps(body).encode(), "application/json"
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
    lines += [f"Authorization: token {token}"] if token else []
    lines += ["Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items())] if cookies else []
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"Content-Length: {len(data)}"] if data or method != "GET" else []
    return "\r\n".join([*lines, "", ""]).encode() + data


def ask(port, requests, connections, statuses=(200,)):
    """The answers to all requests, in their order; each connection asks the next when it has its answer."""
    answers = {}
    run(port, requests, connections, answers.__setitem__)
    wrong = next((answer for answer in answers.values() if answer.status not in statuses), None)
    if wrong:
        sys.exit(f"answered {wrong.raw[:1000].decode(errors='replace')!r} in place of {statuses}")
    return [answers[number] for number in range(len(answers))]


def load(port, requests, connections, seconds):
    """(seconds of each answer, how long it took in all), asking the same `requests` again and again, which are to be
    answered with 200."""
    times, began = [], time.perf_counter()

    def again():
        number = 0
        while time.perf_counter() - began < seconds:
            yield requests[number % len(requests)]
            number += 1

    def keep(_, answer):
        if not answer.raw.startswith(b"HTTP/1.1 200 "):
            sys.exit(f"answered {answer.raw[:1000].decode(errors='replace')!r}")
        times.append(answer.seconds)

    run(port, again(), connections, keep)
    return times, time.perf_counter() - began


class Wire:
    """A connection with one request under way."""

    __slots__ = ("socket", "number", "asked", "read")

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, number, data):
        self.number, self.read, self.asked = number, b"", time.perf_counter()
        self.socket.sendall(data)

    def receive(self):
        """The answer to what was sent, and whether the connection is good for another request."""
        read = bytearray()
        while True:
            data = self.socket.recv(1 << 18)
            read += data
            whole, kept = is_whole(read)
            if whole:
                return Answer(bytes(read), time.perf_counter() - self.asked), kept
            if not data:
                sys.exit(f"closed in the middle of an answer: {bytes(read[:1000])!r}")


def run(port, requests, connections, keep):
    """Tells `keep` the number and the answer of each request."""
    numbered, under_way = enumerate(requests), {}
    poll = select.epoll()

    def open_one(asked):
        wire = Wire(port)
        under_way[wire.socket.fileno()] = wire
        poll.register(wire.socket, select.EPOLLIN)
        wire.send(*asked)

    def close(wire):
        del under_way[wire.socket.fileno()]
        wire.socket.close()

    for _ in range(connections):
        if (asked := next(numbered, None)) is not None:
            open_one(asked)
    while under_way:
        ready = poll.poll(PATIENCE)
        if not ready:
            sys.exit(f"no answer within {PATIENCE} s")
        for descriptor, _ in ready:
            wire = under_way[descriptor]
            data = wire.socket.recv(1 << 15)
            wire.read = wire.read + data if wire.read else data
            whole, kept = is_whole(wire.read)
            if not whole:
                if not data:
                    sys.exit(f"closed in the middle of an answer: {wire.read[:1000]!r}")
                continue
            keep(wire.number, Answer(wire.read, time.perf_counter() - wire.asked))
            asked = next(numbered, None)
            if asked is not None and kept:
                wire.send(*asked)
                continue
            close(wire)
            if asked is not None:
                open_one(asked)
    poll.close()


def is_whole(read):
    """Also whether the connection is good for another request."""
    end = read.find(b"\r\n\r\n") + 4
    if end < 4:
        return False, True
    head = bytes(read[:end]).lower()
    kept = b"\r\nconnection: close\r\n" not in head
    at = head.find(LENGTH)
    if at >= 0:
        return len(read) >= end + int(head[at + len(LENGTH) : head.index(b"\r", at + 2)]), kept
    return CHUNKED not in head or read.endswith(b"\r\n0\r\n\r\n"), kept
