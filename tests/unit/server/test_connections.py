"""Which connections are closed: slow readers, unfinished heads, and those beyond a limit."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from entrypoints.http.deadlines import OpenRequests
from entrypoints.server.connections import (
    HEAD_TIMEOUT,
    MIN_WAIT,
    RESPONSE_LIMITS,
    CloseReason,
    Connection,
    OpenConnections,
    TcpInfo,
    find_superfluous,
    group_of,
)

CLIENT = ("192.0.2.1", "4711")
NOTHING = TcpInfo(is_sending=False, acked_bytes=0, received_bytes=0)


def a_connection(opened_at: float = 0.0, group: str = "192.0.2.1") -> Connection:
    return Connection(CLIENT, group, opened_at)


def observe(
    connection: Connection,
    now: float,
    info: TcpInfo = NOTHING,
    *,
    is_active: bool = False,
    body_wait_began_at: float | None = None,
) -> CloseReason | None:
    return connection.observe(info, now, is_active=is_active, body_wait_began_at=body_wait_began_at)


def received(size: int) -> TcpInfo:
    return TcpInfo(is_sending=False, acked_bytes=0, received_bytes=size)


def sending(acked: int) -> TcpInfo:
    return TcpInfo(is_sending=True, acked_bytes=acked, received_bytes=100)


@pytest.mark.parametrize("sizes", [[0, 0], [10, 10], range(1, 100)])
def test_a_connection_without_a_whole_head_is_closed_in_time(sizes: Sequence[int]) -> None:
    connection = a_connection()
    assert observe(connection, HEAD_TIMEOUT - 0.1, received(sizes[0])) is None
    assert observe(connection, HEAD_TIMEOUT, received(sizes[1])) is CloseReason.UNFINISHED_HEAD


def test_a_request_that_is_handled_or_has_ended_has_no_deadline_here() -> None:
    connection = a_connection()
    for now in range(0, 1000, 100):
        assert observe(connection, now, received(100), is_active=True) is None
        assert connection.waits_since is None
    # The keep-alive timeout of the server ends it.
    assert observe(connection, 2000, received(100)) is None


def test_the_head_of_a_second_request_has_its_own_time() -> None:
    connection = a_connection()
    observe(connection, 1, received(100), is_active=True)
    observe(connection, 50, received(101))
    assert observe(connection, 50 + HEAD_TIMEOUT - 1, received(102)) is None
    assert observe(connection, 50 + HEAD_TIMEOUT, received(103)) is CloseReason.UNFINISHED_HEAD


def test_a_reader_that_stops_or_reads_only_a_little_is_closed() -> None:
    connection, slow = a_connection(), a_connection()
    observe(connection, 0, sending(5000), is_active=True)
    observe(connection, 5, sending(9000), is_active=True)
    end = 5 + RESPONSE_LIMITS.idle_seconds
    assert observe(connection, end - 1, sending(9000), is_active=True) is None
    assert observe(connection, end, sending(9000), is_active=True) is CloseReason.SLOW_READER

    reasons = [observe(slow, now, sending(now * 1000), is_active=True) for now in range(31)]
    assert reasons.index(CloseReason.SLOW_READER) == RESPONSE_LIMITS.period_seconds


def test_a_reader_with_the_least_rate_or_without_anything_to_read_is_not_closed() -> None:
    connection, idle = a_connection(), a_connection()
    rate = RESPONSE_LIMITS.min_bytes / RESPONSE_LIMITS.period_seconds
    for now in range(600):
        assert observe(connection, now, sending(int(now * rate * 1.1)), is_active=True) is None
    for now, info in ((0, sending(0)), (19, received(100)), (20, sending(0)), (39, sending(0))):
        assert observe(idle, now, info, is_active=True) is None


def test_the_connections_that_wait_longest_are_closed_beyond_the_limit() -> None:
    connections = [a_connection(opened_at=number) for number in range(5)]
    of_another = a_connection(group="192.0.2.2")
    assert find_superfluous([of_another, *connections], 100, 3, 1000) == connections[:2]
    assert find_superfluous(connections, 100, None, 1000) == []
    of_all = [a_connection(group=str(number)) for number in range(5)]
    assert len(find_superfluous(of_all, 100, None, 3)) == 2


def test_only_connections_that_wait_for_their_client_are_closed_beyond_the_limit() -> None:
    handled, body, reader, fresh = (a_connection() for _ in range(4))
    observe(handled, 90, received(100), is_active=True)
    observe(body, 90, received(100), is_active=True, body_wait_began_at=80)
    observe(reader, 70, sending(0), is_active=True)
    fresh.waits_since = 100 - MIN_WAIT / 2
    assert find_superfluous([handled, body, reader, fresh], 100, 1, 1000) == [reader, body]


@pytest.mark.parametrize(
    ("ip", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2::3", "2001:db8:0:1::/64"),
    ],
)
def test_a_household_is_one_client(ip: str, group: str) -> None:
    assert group_of(ip) == group


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """The listener, the server's end and the client's end of a connection."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(listener.getsockname()))
        yield [listener, stack.enter_context(listener.accept()[0]), client]


def test_only_connections_to_the_own_port_are_closed(sockets: list[socket.socket]) -> None:
    listener, accepted, client = sockets
    connections = OpenConnections(OpenRequests(), listener.getsockname()[1], None, 1000)
    now = time.monotonic()
    assert asyncio.run(connections.close_overdue(now)) == {}
    assert asyncio.run(connections.close_overdue(now + HEAD_TIMEOUT)) == {
        CloseReason.UNFINISHED_HEAD: 1
    }
    # The owner of the descriptor sees the end of the connection and closes it.
    assert accepted.recv(1) == b""
    assert client.recv(1) == b""
    listener.settimeout(1)
    with socket.create_connection(listener.getsockname()):
        listener.accept()[0].close()


def test_accepted_connections_inherit_the_limits_of_the_kernel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections = OpenConnections(OpenRequests(), listener.getsockname()[1], None, 1000)
        asyncio.run(connections.close_overdue(0))
        assert connections.has_listener
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                option = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert option > RESPONSE_LIMITS.idle_seconds * 1000
