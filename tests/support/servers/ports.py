"""Ports of 127.0.0.1 that servers can keep.

What the system hands out for port 0 lies where it also takes the near ends of outgoing connections
from. A server that is stopped and started again on such a port may find it taken, and a client
that keeps knocking at it may one day connect to itself. So ports are chosen below that range.

Each process chooses among a share of its own: two that look at the same moment find different
ones, although what they find is not taken yet.
"""

import os
import random
import socket
from collections import deque
from pathlib import Path
from typing import Final

from tests.support.servers.refusals import NoServer

_RANGE_OF_THE_SYSTEM: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_RANGE: Final = (32768, 60999)
_LOWEST: Final = 10240
_SHARES: Final = 100
# Whoever was given these may not listen yet.
_given: Final[deque[int]] = deque(maxlen=100)


def free_ports(count: int) -> list[int]:
    """So many different ports that nobody listens at, and that no client gets by chance."""
    return [free_pair(0)[0] for _ in range(count)]


def free_pair(apart: int) -> tuple[int, int]:
    """Two such ports, the second so far above the first: whole hundreds."""
    choice = candidates(*_range_of_the_system())
    share = choice[os.getpid() % _SHARES :: _SHARES]
    for port in random.sample(share, k=len(share)):
        pair = (port, port + apart)
        if all(port in share and port not in _given and is_free(port) for port in pair):
            _given.extend({*pair})
            return pair
    raise NoServer("No port of 127.0.0.1 is free: too many servers run here.")


def candidates(lowest: int, highest: int) -> range:
    """The ports outside of the range for near ends: below it, or above it where that is more."""
    return max(range(_LOWEST, lowest), range(highest + 1, 65536), key=len)


def is_free(port: int) -> bool:
    """Whether a server could listen at it."""
    with socket.socket() as probe:
        # Servers set it too: what lingers of closed connections keeps nobody from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _range_of_the_system() -> tuple[int, int]:
    try:
        lowest, highest = _RANGE_OF_THE_SYSTEM.read_text().split()
    except OSError:
        return _USUAL_RANGE
    return int(lowest), int(highest)
