"""Connections that clients hold: others are served, and the service closes all of them."""

import time
from pathlib import Path
from typing import Final

from tests.faults.faulty_service import run_faulty_service
from tests.support.held_connections import (
    HEALTH,
    UNFINISHED_BODY,
    UNFINISHED_HEAD,
    hold,
    request_latency,
)

CONNECTIONS: Final = 300
"""Of each kind; all of them together are more than 1,024."""
CONSTANTS: Final = {
    "entrypoints.http.requests.deadlines.IDLE_SECONDS": 3.0,
    "entrypoints.http.requests.deadlines.PERIOD_SECONDS": 6.0,
    "entrypoints.server.serve._HEADER_TIMEOUT_MILLISECONDS": 4_000,
}
"""Shorter time limits than those of the service."""
TRICKLE_SECONDS: Final = 1.0
"""Less than the maximum time without a byte."""
CLOSE_TIMEOUT: Final = 60.0
"""The longest deadline is 9 s; the rest is for a busy machine."""


def test_others_are_served_while_connections_are_held_and_all_are_closed(tmp_path: Path) -> None:
    with (
        run_faulty_service(tmp_path, constants=CONSTANTS) as service,
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
    assert sorted(latencies)[len(latencies) // 2] < 1
    assert "Traceback" not in service.log
