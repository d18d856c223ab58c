"""What the parent process does: its limit of file descriptors, and workers that do not end."""

import os
import resource
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from entrypoints.server import serve
from entrypoints.server.serve import MAX_CONNECTIONS, max_connections, raise_descriptor_limit


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


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The soft and the hard limit of a process."""
    values = [1024, 1024]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(values))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: values.__setitem__(slice(None), new))
    return values


@pytest.mark.parametrize("hard", [20_000, resource.RLIM_INFINITY])
def test_the_soft_limit_is_raised_as_far_as_needed(limits: list[int], hard: int) -> None:
    limits[1] = hard
    raise_descriptor_limit()
    assert MAX_CONNECTIONS < limits[0] < 20_000
    assert limits[1] == hard
    assert max_connections() == MAX_CONNECTIONS


@pytest.mark.parametrize(("hard", "connections"), [(4096, 3328), (1024, 512), (256, 128)])
def test_a_low_hard_limit_is_a_warning_that_says_what_to_do(
    limits: list[int], hard: int, connections: int
) -> None:
    limits[:] = [200, hard]
    with capture_logs() as logs:
        raise_descriptor_limit()
    assert limits == [hard, hard]
    assert max_connections() == connections
    (warning,) = logs
    assert warning["event"] == "descriptor_limit_low"
    assert str(connections) in warning["consequence"]
    assert "LimitNOFILE=" in warning["fix"]
