"""What each stop signal does, in which order."""

import signal

import pytest
import structlog

from entrypoints.server.stop import StopSequence
from entrypoints.server.workers import Workers

HOUR = 3600.0


class Server:
    """A stop sequence, and what it has asked the server for."""

    def __init__(self, delay_seconds: float = HOUR) -> None:
        self.workers = Workers(drain_timeout=1)
        self.calls: list[str] = []
        self.stop = StopSequence(
            self.workers,
            delay_seconds,
            drain=lambda: self.calls.append("drain"),
            kill=lambda: self.calls.append("kill"),
        )
        self.workers.mark_started()


@pytest.fixture(autouse=True)
def _no_log() -> None:
    structlog.configure(processors=[structlog.testing.LogCapture()])


def test_sigterm_lets_readiness_fail_and_the_service_serve() -> None:
    server = Server()
    server.stop.handle(signal.SIGTERM)

    assert server.workers.is_stopping
    assert not server.workers.is_draining
    assert server.calls == []


def test_a_second_signal_kills_all_workers() -> None:
    server = Server()
    server.stop.handle(signal.SIGTERM)
    server.stop.handle(signal.SIGINT)

    assert server.workers.is_draining
    assert server.calls == ["drain", "kill"]
