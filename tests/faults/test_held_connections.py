"""Connections that clients hold: others are served, and the service closes all of them."""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.held_connections import (
    HEALTH,
    UNFINISHED_BODY,
    UNFINISHED_HEAD,
    hold,
    request_latency,
)
from tests.support.service import Service, running

CONNECTIONS: Final = 400
"""Of each kind; all of them together are more than 1,024."""
TRICKLE_SECONDS: Final = 2.0
"""Less than the maximum time without a byte."""
CLOSE_TIMEOUT: Final = 60.0
"""The longest deadline is 45 s; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("held")
    with running(folder) as service:
        yield service


def test_others_are_served_while_connections_are_held_and_all_are_closed(service: Service) -> None:
    with (
        hold(service.port, CONNECTIONS, UNFINISHED_BODY) as bodies,
        hold(service.port, CONNECTIONS, HEALTH) as idle,
        hold(service.port, CONNECTIONS, UNFINISHED_HEAD) as heads,
        hold(service.port, CONNECTIONS, b"") as silent,
        hold(service.port, 20, UNFINISHED_BODY) as trickling,
    ):
        latencies = []
        deadline = time.monotonic() + CLOSE_TIMEOUT
        sent_at = time.monotonic()
        kinds = (bodies, idle, heads, silent, trickling)
        while any(held.open for held in kinds) and time.monotonic() < deadline:
            latencies.append(request_latency(service.port))
            if time.monotonic() - sent_at >= TRICKLE_SECONDS:
                trickling.on_each(lambda connection: connection.send(b" "))
                sent_at = time.monotonic()
            # Others send a request from time to time.
            time.sleep(0.1)
        assert [held.open for held in kinds] == [0, 0, 0, 0, 0]
    # Half of them: the machine may be busy, and the first ones wait for the load of the start.
    assert sorted(latencies)[len(latencies) // 2] < 0.1
    assert "Traceback" not in service.log
