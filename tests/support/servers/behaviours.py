"""What servers do to their clients, well and badly."""

import threading
from collections.abc import Mapping
from typing import Final

from tests.support.servers.loopback import Behaviour, Exchange

_BETWEEN_DROPS: Final = 0.01
_NO_HEADERS: Final[Mapping[str, str]] = {}


def says(status: int, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS) -> Behaviour:
    """Reads the request and answers."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.answer(status, body, headers)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Does one after the other; the last one from then on."""
    waiting = list(behaviours)

    def behave(exchange: Exchange) -> None:
        now = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        now(exchange)

    return behave


def hangs_up_on_the_head(exchange: Exchange) -> None:
    """Closes the connection before it has read the request's body."""
    exchange.hang_up()


def hangs_up(exchange: Exchange) -> None:
    """Reads the request, and closes the connection without a word."""
    _ = exchange.body
    exchange.hang_up()


def hangs(exchange: Exchange) -> None:
    """Reads the request, and never says anything."""
    _ = exchange.body
    exchange.leaving.wait()
    exchange.hang_up()


def breaks_off(status: int, body: bytes) -> Behaviour:
    """Sends the first half of its answer's body, and closes the connection."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.begin(status, len(body))
        exchange.send(body[: len(body) // 2])
        exchange.hang_up()

    return behave


def stalls(status: int, body: bytes) -> Behaviour:
    """Sends the first half of its answer's body, and no more."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.begin(status, len(body))
        exchange.send(body[: len(body) // 2])
        exchange.leaving.wait()
        exchange.hang_up()

    return behave


def drips(status: int) -> Behaviour:
    """Sends a byte of its answer's body now and then, and never comes to an end."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.begin(status, 1_000_000_000)
        while not exchange.leaving.wait(_BETWEEN_DROPS):
            exchange.send(b" ")
        exchange.hang_up()

    return behave


def later(seconds: float, then: Behaviour) -> Behaviour:
    """Lets some time pass before it does the rest."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.leaving.wait(seconds)
        then(exchange)

    return behave


def slowly(gate: threading.Event, then: Behaviour) -> Behaviour:
    """Waits for the gate before it does the rest."""

    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        gate.wait()
        then(exchange)

    return behave
