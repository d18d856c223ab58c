"""What each stop signal does, in which order."""

import signal
import threading
from unittest.mock import ANY, Mock, PropertyMock

import pytest
import structlog

from entrypoints.server.stop import StopSequence
from entrypoints.server.workers import Workers

STOP_DELAY = 5.0
DRAIN_TIMEOUT = 30.0


class Server:
    """A stop sequence, and what it has asked the server for."""

    def __init__(self, drain_seconds: float = DRAIN_TIMEOUT) -> None:
        self.workers = Workers()
        self.calls: list[str] = []
        self.has_ended = threading.Event()
        self.stop = StopSequence(
            self.workers,
            STOP_DELAY,
            drain_seconds,
            drain=lambda: self.calls.append("drain"),
            kill=self.kill,
            has_ended=self.has_ended,
        )
        self.workers.mark_started()

    def kill(self) -> None:
        self.calls.append("kill")
        self.has_ended.set()


@pytest.fixture(autouse=True)
def _no_log() -> None:
    structlog.configure(processors=[structlog.testing.LogCapture()])


@pytest.fixture(autouse=True)
def timer(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Replace the timers; the function of the last one is `timer.call_args.args[1]`."""
    timer = Mock()
    monkeypatch.setattr(threading, "Timer", timer)
    return timer


def test_sigterm_lets_readiness_fail_and_the_service_serve(timer: Mock) -> None:
    server = Server()
    server.stop.handle(signal.SIGTERM)

    assert server.workers.is_stopping()
    assert server.calls == []
    timer.assert_called_once_with(STOP_DELAY, ANY)
    timer.call_args.args[1]()
    assert server.calls == ["drain"]


def test_ctrl_c_skips_the_stop_delay(timer: Mock) -> None:
    Server().stop.handle(signal.SIGINT)
    timer.assert_called_once_with(0, ANY)


def test_a_second_signal_kills_all_workers() -> None:
    server = Server()
    server.stop.handle(signal.SIGTERM)
    server.stop.handle(signal.SIGINT)

    assert server.calls == ["drain", "kill"]


def test_a_new_worker_that_cannot_start_drains_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Workers, "cannot_start", PropertyMock(return_value=True))
    server = Server()
    for _ in range(2):
        server.stop.handle(signal.SIGTERM)

    assert server.calls == ["drain"]


def test_workers_that_outlast_the_drain_timeout_are_killed(timer: Mock) -> None:
    server = Server(drain_seconds=0.0)
    server.stop.handle(signal.SIGINT)
    timer.call_args.args[1]()

    assert server.has_ended.wait(10)
    assert server.calls == ["drain", "kill"]
