"""A notebook server that does as little as one can: a kilobyte for every request, and silence on every WebSocket. The
hubs start it as they start any other; without a hub it is what clients ask directly."""

import os
import select
import socket
import urllib.parse

KILOBYTE = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def main():
    at = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    listener = socket.create_server((at.hostname, at.port), backlog=1024)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    sockets, heads = {}, {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                accepted, _ = listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sockets[accepted.fileno()], heads[accepted.fileno()] = accepted, b""
                poll.register(accepted, select.EPOLLIN)
                continue
            read = receive(sockets[descriptor])
            if not read:
                del heads[descriptor]
                sockets.pop(descriptor).close()
                continue
            heads[descriptor] += read
            if heads[descriptor].endswith(b"\r\n\r\n"):
                is_websocket = b"upgrade: websocket" in heads[descriptor].lower()
                heads[descriptor] = b""
                answer(sockets[descriptor], UPGRADED if is_websocket else KILOBYTE)


def receive(connection):
    try:
        return connection.recv(1 << 16)
    except ConnectionError:
        return b""


def answer(connection, data):
    try:
        connection.sendall(data)
    except ConnectionError:
        pass  # the next read says so


main()
