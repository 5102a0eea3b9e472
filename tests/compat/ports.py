"""Ports of the loopback address for the servers under comparison."""

import random
import socket

# below the ports that the system hands out for connections: nothing gets it before the server listens
FIRST, LAST = 10_000, 30_000


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.randrange(FIRST, LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
