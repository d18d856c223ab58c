"""Behaviors of test servers: responses, delays and failures."""

from collections.abc import Mapping
from typing import Final

from tests.support.servers.http_server import Behavior, Exchange

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
    close_connection(exchange)
    exchange.is_closing.wait()


def truncate(status: int, body: bytes) -> Behavior:
    """Send the first half of the body, and close the connection."""

    def behave(exchange: Exchange) -> None:
        close_connection(exchange)
        exchange.send_head(status, len(body))
        exchange.send(body[: len(body) // 2])

    return behave


def stall(status: int, body: bytes) -> Behavior:
    """Send the first half of the body, and nothing more."""
    send_half = truncate(status, body)

    def behave(exchange: Exchange) -> None:
        send_half(exchange)
        exchange.is_closing.wait()

    return behave


def drip(status: int) -> Behavior:
    """Send the body one byte at a time, without an end."""

    def behave(exchange: Exchange) -> None:
        close_connection(exchange)
        exchange.send_head(status, 10**9)
        while not exchange.is_closing.wait(0.01):
            exchange.send(b" ")

    return behave


def delay(seconds: float, then: Behavior) -> Behavior:
    """Wait some seconds before the next behavior."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.is_closing.wait(seconds)
        then(exchange)

    return behave
