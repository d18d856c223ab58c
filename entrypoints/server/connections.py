"""The connections of a worker, as the kernel knows them; those that wait too long are closed.

granian accepts connections and tells the application only about whole request heads. What a
client has acknowledged, and which clients send nothing, only the kernel knows (TCP_INFO).
"""

import asyncio
import os
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from entrypoints.http.deadlines import Client, OpenRequests, TransferDeadline, TransferLimits

HEAD_TIMEOUT: Final = 10.0
"""Seconds from the first byte of a request to the end of its head, and to the first byte."""
RESPONSE_LIMITS: Final = TransferLimits(idle_seconds=20.0)
MIN_WAIT: Final = 2.0
"""Seconds that a connection must have waited for its client before a limit closes it."""
_KERNEL_TIMEOUT_MILLISECONDS: Final = 30_000
_MAX_UNSENT_BYTES: Final = 64 * 1024
_SLICE: Final = 25
"""Descriptors between which other tasks run: about a millisecond."""
_IPV6_PREFIX_LENGTH: Final = 64

# struct tcp_info of <linux/tcp.h>: tcpi_unacked, tcpi_bytes_acked, tcpi_bytes_received and
# tcpi_notsent_bytes.
_TCP_INFO: Final = struct.Struct("=24xI92xQQ8xI")
_ABORT_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class CloseReason(StrEnum):
    """Why a connection is closed."""

    SLOW_READER = "slow_readers"
    UNFINISHED_HEAD = "unfinished_heads"
    TOO_MANY = "over_limit"


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """What the kernel knows about a connection.

    - `is_sending`: the client has not acknowledged everything that was sent.
    """

    is_sending: bool
    acked_bytes: int
    received_bytes: int

    @classmethod
    def read(cls, connection: socket.socket) -> "TcpInfo":
        """Read it from the kernel; raises OSError."""
        data = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        unacked, acked, received, unsent = _TCP_INFO.unpack(data)
        return cls(unacked + unsent > 0, acked, received)


@dataclass(slots=True)
class Connection:
    """One connection, and what was seen of it so far.

    - `waits_since`: since when nothing happens without the client. None while a request is
      handled.
    """

    client: Client
    group: str
    opened_at: float
    waits_since: float | None = field(init=False)
    _seen_at: float = field(init=False)
    _info: TcpInfo = field(init=False, default=TcpInfo(False, 0, 0))
    _response: TransferDeadline | None = field(init=False, default=None)
    _response_began_at: float = field(init=False, default=0.0)
    _head_began_at: float | None = field(init=False)
    _bytes_of_requests: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.waits_since = self._head_began_at = self._seen_at = self.opened_at

    def observe(
        self, info: TcpInfo, now: float, *, is_active: bool, body_wait_began_at: float | None
    ) -> CloseReason | None:
        """Record the state of the connection.

        Args:
            info: What the kernel knows.
            now: The time on the monotonic clock.
            is_active: Whether the client has sent a whole head since the last call, or a request
                is open.
            body_wait_began_at: Since when a request waits for its body, if it does.

        Returns:
            Why the connection has to be closed, if so.
        """
        self._observe_response(info, now)
        if is_active:
            self._head_began_at = None
            self._bytes_of_requests = info.received_bytes
        elif self._head_began_at is None and info.received_bytes > self._bytes_of_requests:
            self._head_began_at = now
        if self._response is not None:
            self.waits_since = self._response_began_at
        elif body_wait_began_at is not None:
            self.waits_since = body_wait_began_at
        elif is_active:
            self.waits_since = None
        elif self._head_began_at is not None:
            self.waits_since = self._head_began_at
        elif self.waits_since is None:
            self.waits_since = now
        self._info, self._seen_at = info, now
        if self._response is not None and self._response.seconds_left <= 0:
            return CloseReason.SLOW_READER
        if self._head_began_at is not None and now - self._head_began_at >= HEAD_TIMEOUT:
            return CloseReason.UNFINISHED_HEAD
        return None

    def _observe_response(self, info: TcpInfo, now: float) -> None:
        if not info.is_sending:
            self._response = None
        elif self._response is None:
            self._response, self._response_began_at = TransferDeadline(RESPONSE_LIMITS), now
        else:
            acked = info.acked_bytes - self._info.acked_bytes
            self._response.record(acked, now - self._seen_at)


def find_superfluous(
    connections: Iterable[Connection], now: float, max_per_group: int | None, max_total: int
) -> list[Connection]:
    """Return the connections beyond the limits that wait for their client, the longest first.

    A connection whose request is handled, or that waits for less than `MIN_WAIT`, is kept even
    beyond the limit.
    """
    groups: defaultdict[str, list[Connection]] = defaultdict(list)
    for connection in connections:
        groups[connection.group].append(connection)
    superfluous: list[Connection] = []
    if max_per_group is not None:
        for group in groups.values():
            superfluous += _longest_waiting(group, now, len(group) - max_per_group)
    closed = {id(connection) for connection in superfluous}
    rest = [one for group in groups.values() for one in group if id(one) not in closed]
    return superfluous + _longest_waiting(rest, now, len(rest) - max_total)


def _longest_waiting(connections: list[Connection], now: float, count: int) -> list[Connection]:
    if count <= 0:
        return []
    waiting = [
        (connection.waits_since, number)
        for number, connection in enumerate(connections)
        if connection.waits_since is not None and now - connection.waits_since >= MIN_WAIT
    ]
    return [connections[number] for _, number in sorted(waiting)[:count]]


def group_of(ip: str) -> str:
    """Return what counts as one client: an IPv4 address, or a /64 network of IPv6."""
    parsed = ip_address(ip)
    if not isinstance(parsed, IPv6Address):
        return ip
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, _IPV6_PREFIX_LENGTH), strict=False))


class OpenConnections:
    """The connections of this process, found among its own file descriptors."""

    def __init__(
        self, requests: OpenRequests, port: int, max_per_ip: int | None, max_total: int
    ) -> None:
        """Know no connection yet.

        Args:
            requests: The requests that are open.
            port: The port that the server listens on.
            max_per_ip: How many one IP may have; None for no limit.
            max_total: How many may be open before waiting ones are closed.
        """
        self._requests = requests
        self._port = port
        self._max_per_ip = max_per_ip
        self._max_total = max_total
        self._known: dict[tuple[int, int], Connection | None] = {}
        self.has_listener = False

    async def close_overdue(self, now: float) -> Counter[CloseReason]:
        """Look at all connections, and close those that wait too long or exceed a limit.

        Args:
            now: The time on the monotonic clock.

        Returns:
            How many were closed, by reason.
        """
        recent = self._requests.take_recent()
        found: dict[tuple[int, int], Connection | None] = {}
        reasons: dict[tuple[int, int], CloseReason] = {}
        names = os.listdir("/proc/self/fd")  # noqa: PTH208 - thousands of paths cost time
        for number, name in enumerate(names):
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)  # other tasks run between two slices
            # granian's threads open and close descriptors meanwhile.
            with suppress(OSError):
                key = (int(name), os.fstat(int(name)).st_ino)
                reason = self._look_at(key, found, recent, now)
                if reason is not None:
                    reasons[key] = reason
        self._known = found
        kept = {
            id(connection): key
            for key, connection in found.items()
            if connection is not None and key not in reasons
        }
        connections = [one for one in found.values() if one is not None and id(one) in kept]
        for one in find_superfluous(connections, now, self._max_per_ip, self._max_total):
            reasons[kept[id(one)]] = CloseReason.TOO_MANY
        for number, key in enumerate(reasons):
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            with suppress(OSError):
                _abort(*key)
        return Counter(reasons.values())

    def close_all(self) -> None:
        """Close all connections that were open when `close_overdue` last looked."""
        for key, connection in self._known.items():
            if connection is not None:
                with suppress(OSError):
                    _abort(*key)

    def _look_at(
        self,
        key: tuple[int, int],
        found: dict[tuple[int, int], Connection | None],
        recent: set[Client],
        now: float,
    ) -> CloseReason | None:
        if key in self._known:
            connection = found[key] = self._known[key]
            if connection is None:
                return None
        else:
            with _borrow(key[0]) as descriptor:
                connection = found[key] = self._open(descriptor, now)
            if connection is None:
                return None
        with _borrow(key[0], socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as descriptor:
            info = TcpInfo.read(descriptor)
        client = connection.client
        return connection.observe(
            info,
            now,
            is_active=client in recent or client in self._requests,
            body_wait_began_at=self._requests.body_wait_began_at(client),
        )

    def _open(self, descriptor: socket.socket, now: float) -> Connection | None:
        """Return a new connection; None for a descriptor that is something else."""
        if descriptor.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        if descriptor.getsockname()[1] != self._port:
            return None
        if descriptor.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            _set_up_listener(descriptor)
            self.has_listener = True
            return None
        ip, port, *_ = descriptor.getpeername()
        client = (ip.partition("%")[0], str(port))
        return Connection(client, group_of(client[0]), now)


@contextmanager
def _borrow(
    number: int, family: int = -1, kind: int = -1, protocol: int = -1
) -> Iterator[socket.socket]:
    """Use a descriptor that belongs to granian as a socket; raises OSError if it is none.

    The kernel is asked for what is -1.
    """
    descriptor = socket.socket(family, kind, protocol, number)
    try:
        yield descriptor
    finally:
        descriptor.detach()


def _set_up_listener(listener: socket.socket) -> None:
    """Set options that the accepted connections inherit.

    After the end of a response, only the kernel has the rest of it: limit its size and its time.
    """
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MAX_UNSENT_BYTES)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _KERNEL_TIMEOUT_MILLISECONDS)


def _abort(number: int, inode: int) -> None:
    """Send a reset instead of unsent data; granian then sees an error and closes its descriptor."""
    with socket.socket(fileno=os.dup(number)) as connection:
        # The number may have been used again since.
        if os.fstat(connection.fileno()).st_ino == inode:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_ON_CLOSE)
            connection.shutdown(socket.SHUT_RDWR)
