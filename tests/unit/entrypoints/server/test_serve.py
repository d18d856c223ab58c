"""What the parent process does while workers start slowly, and when they do not end."""

import os
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from entrypoints.server import serve


class CountingWorker:
    """Counts the signals."""

    def __init__(self) -> None:
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1


def test_workers_that_granian_forgets_at_the_same_moment_are_killed() -> None:
    worker = CountingWorker()
    server: Any = SimpleNamespace(wrks=[worker])

    class Ended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            server.wrks = []
            return True

    serve._kill(server, Ended())

    assert worker.kills > 0


def test_a_worker_that_cannot_end_does_not_keep_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = CountingWorker()
    server: Any = SimpleNamespace(wrks=[worker])
    monkeypatch.setattr(serve, "_KILL_INTERVAL", 0)
    monkeypatch.setattr(os, "_exit", sys.exit)

    with capture_logs() as logs, pytest.raises(SystemExit, match="1"):
        serve._kill(server, threading.Event())

    assert worker.kills == serve._KILLS
    assert [line["event"] for line in logs] == ["workers_not_ended"]
