"""Ports of 127.0.0.1 for servers that are restarted.

- Port 0 gives ephemeral ports, which outgoing connections use as well. After a restart such a port
  may be in use, and a client that retries may connect to itself. So ports are outside that range.
- Each process chooses from its own share, so that two processes never choose the same free port.
"""

import os
import random
import socket
from collections import deque
from pathlib import Path
from typing import Final

from tests.support.servers.errors import ServerUnavailable

_EPHEMERAL_RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_EPHEMERAL_RANGE: Final = (32768, 60999)
_MIN_PORT: Final = 10240
_SHARES: Final = 100
# Servers may not listen at these ports yet.
_returned: Final[deque[int]] = deque(maxlen=100)


def free_ports(count: int) -> list[int]:
    """Return different free ports outside the ephemeral range."""
    return [free_pair(0)[0] for _ in range(count)]


def free_pair(distance: int) -> tuple[int, int]:
    """Return two such ports with this distance, a multiple of 100."""
    ports = candidates(*_ephemeral_range())
    share = ports[os.getpid() % _SHARES :: _SHARES]
    for port in random.sample(share, k=len(share)):
        pair = (port, port + distance)
        if all(port in share and port not in _returned and is_free(port) for port in pair):
            _returned.extend({*pair})
            return pair
    raise ServerUnavailable("No port of 127.0.0.1 is free: too many servers run here.")


def candidates(lowest: int, highest: int) -> range:
    """Return the ports below the ephemeral range, or above it if these are more."""
    return max(range(_MIN_PORT, lowest), range(highest + 1, 65536), key=len)


def is_free(port: int) -> bool:
    """Return whether a server can listen at it."""
    with socket.socket() as server:
        # As servers do: closed connections in TIME_WAIT do not block the port.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _ephemeral_range() -> tuple[int, int]:
    try:
        lowest, highest = _EPHEMERAL_RANGE_FILE.read_text().split()
    except OSError:
        return _DEFAULT_EPHEMERAL_RANGE
    return int(lowest), int(highest)
