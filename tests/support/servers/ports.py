"""Ports of 127.0.0.1 for servers that are restarted.

They are below the usual ephemeral range, which outgoing connections use as well: after a restart
such a port may be in use, and a client that retries may connect to itself.
"""

import random
import socket

_PORTS = range(10_240, 22_000)


def free_ports(count: int, distance: int = 0) -> list[int]:
    """Return different free ports; the ports with this distance to them are free too."""
    ports = iter(random.sample(_PORTS, k=len(_PORTS)))
    return [
        next(port for port in ports if _is_free(port) and _is_free(port + distance))
        for _ in range(count)
    ]


def _is_free(port: int) -> bool:
    with socket.socket() as server:
        # As servers do: closed connections in TIME_WAIT do not block the port.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
