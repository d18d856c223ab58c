"""A worker whose event loop is blocked."""

from pathlib import Path

import httpx
import pytest

from entrypoints.server.watchdog import END_TICKS
from tests.faults.faulty_service import run_faulty_service
from tests.support.client import me, sign_in

CONSTANTS = {
    "entrypoints.server.watchdog.TICK_SECONDS": 4.0 / END_TICKS,
    "entrypoints.server.watchdog._REPORT_SECONDS": 0.1,
}


def test_a_worker_whose_event_loop_is_blocked_ends_and_is_replaced(tmp_path: Path) -> None:
    with run_faulty_service(tmp_path, constants=CONSTANTS) as service:
        token = sign_in(service, "+14155590001")
        (worker,) = service.workers
        service.block_in("identities.load")
        with pytest.raises(httpx.TransportError):
            me(service, token)

        service.wait_until_logged("worker_ended")
        service.wait_for(lambda: len({*service.workers} - {worker}) == 1)
        service.wait_until_ready()
        assert me(service, token) == 404
        ended = next(line for line in service.lines if line["event"] == "worker_ended")
        assert "faulty_service" in ended["call"]
