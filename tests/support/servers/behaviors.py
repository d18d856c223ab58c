"""Behaviors of test servers: responses, delays and failures."""

import socket
import struct
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Final

from tests.support.servers.http_server import Behavior, Exchange

_NO_HEADERS: Final[Mapping[str, str]] = {}


def respond_with(
    status: int, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
) -> Behavior:
    """Send a response."""
    return lambda exchange: exchange.respond(status, body, headers)


def in_sequence(*behaviors: Behavior) -> Behavior:
    """Use one behavior for each request; repeat the last one."""
    remaining = chain(behaviors, repeat(behaviors[-1]))

    def behave(exchange: Exchange) -> None:
        next(remaining)(exchange)

    return behave


def close_connection(exchange: Exchange) -> None:
    """Close the connection without a response."""
    exchange.close()


def reset_connection(exchange: Exchange) -> None:
    """Reset the connection, as a server does that closes it before it has read the request."""
    exchange.close()
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()


def never_respond(exchange: Exchange) -> None:
    """Send nothing."""
    exchange.close()
    exchange.wait()


def truncate(status: int, body: bytes, *, stalls: bool = False) -> Behavior:
    """Send the first half of the body, and close the connection or wait."""

    def behave(exchange: Exchange) -> None:
        exchange.close()
        exchange.send_head(status, len(body))
        exchange.send(body[: len(body) // 2])
        if stalls:
            exchange.wait()

    return behave


def drip(status: int) -> Behavior:
    """Send the body one byte at a time, without an end."""

    def behave(exchange: Exchange) -> None:
        exchange.close()
        exchange.send_head(status, 10**9)
        while not exchange.wait(0.01):
            exchange.send(b" ")

    return behave


def delay(seconds: float, then: Behavior) -> Behavior:
    """Wait some seconds before the next behavior."""

    def behave(exchange: Exchange) -> None:
        exchange.wait(seconds)
        then(exchange)

    return behave
