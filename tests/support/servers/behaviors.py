"""Behaviors of test servers: responses, delays and failures."""

import threading
from collections.abc import Mapping
from typing import Final

from tests.support.servers.http_server import Behavior, Exchange

_DRIP_INTERVAL: Final = 0.01
_NO_HEADERS: Final[Mapping[str, str]] = {}


def respond_with(
    status: int, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
) -> Behavior:
    """Read the request and respond."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.respond(status, body, headers)

    return behave


def in_sequence(*behaviors: Behavior) -> Behavior:
    """Use one behavior for each request; repeat the last one."""
    remaining = list(behaviors)

    def behave(exchange: Exchange) -> None:
        current = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        current(exchange)

    return behave


def close_before_body(exchange: Exchange) -> None:
    """Close the connection before reading the body of the request."""
    exchange.close()


def close_connection(exchange: Exchange) -> None:
    """Read the request, and close the connection without a response."""
    _ = exchange.body
    exchange.close()


def never_respond(exchange: Exchange) -> None:
    """Read the request, and send nothing."""
    _ = exchange.body
    exchange.is_closing.wait()
    exchange.close()


def truncate(status: int, body: bytes) -> Behavior:
    """Send the first half of the body, and close the connection."""

    def behave(exchange: Exchange) -> None:
        _send_half(exchange, status, body)
        exchange.close()

    return behave


def stall(status: int, body: bytes) -> Behavior:
    """Send the first half of the body, and nothing more."""

    def behave(exchange: Exchange) -> None:
        _send_half(exchange, status, body)
        exchange.is_closing.wait()
        exchange.close()

    return behave


def drip(status: int) -> Behavior:
    """Send the body one byte at a time, without an end."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.send_head(status, 10**9)
        while not exchange.is_closing.wait(_DRIP_INTERVAL):
            exchange.send(b" ")
        exchange.close()

    return behave


def delay(seconds: float, then: Behavior) -> Behavior:
    """Wait some seconds before the next behavior."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.is_closing.wait(seconds)
        then(exchange)

    return behave


def wait_for_event(event: threading.Event, then: Behavior) -> Behavior:
    """Wait for the event before the next behavior."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        event.wait()
        then(exchange)

    return behave


def _send_half(exchange: Exchange, status: int, body: bytes) -> None:
    _ = exchange.body
    exchange.send_head(status, len(body))
    exchange.send(body[: len(body) // 2])
