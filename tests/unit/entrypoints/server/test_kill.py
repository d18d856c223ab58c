"""Workers are killed also if granian forgets them at the same moment."""

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


@pytest.mark.parametrize("has_ended_before", [True, False])
def test_workers_that_granian_has_forgotten_are_killed(
    monkeypatch: pytest.MonkeyPatch, has_ended_before: bool
) -> None:
    worker, has_ended = CountingWorker(), threading.Event()
    server: Any = SimpleNamespace(wrks=[worker])

    def forget() -> None:
        server.wrks = []
        has_ended.set()

    class Ended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if has_ended_before or worker.kills:
                forget()
            return has_ended.is_set()

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
