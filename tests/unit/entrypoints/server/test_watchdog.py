"""A worker whose event loop is blocked logs the call, and ends after a while."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from entrypoints.server import watchdog
from entrypoints.server.watchdog import (
    END_TICKS,
    WARNING_TICKS,
    _ThreadState,
    watch_event_loop,
)

TICK_SECONDS = 0.005
LIMIT_SECONDS = 60.0


class Lines:
    """The lines of the watchdog, each of which can be waited for."""

    def __init__(self) -> None:
        self.fields: dict[str, Mapping[str, Any]] = {}
        self.written = {
            event: threading.Event()
            for event in ("event_loop_blocked", "event_loop_recovered", "worker_ended")
        }

    def warning(self, event: str, **fields: Any) -> None:
        # The process of a test does not end, so a line may be written again.
        self.fields.setdefault(event, fields)
        self.written[event].set()

    critical = warning


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    lines = Lines()
    monkeypatch.setattr(watchdog, "_log", lines)
    return lines


def block_until(event: threading.Event) -> None:
    """Block the event loop, as a disk that does not respond would."""
    assert event.wait(LIMIT_SECONDS)


async def test_the_call_that_blocks_is_logged_and_then_the_process_ends(lines: Lines) -> None:
    has_ended = threading.Event()

    async def read() -> None:
        block_until(has_ended)

    with watch_event_loop(has_ended.set, TICK_SECONDS):
        await asyncio.create_task(read(), name="load_identities")

    for event, ticks in (("event_loop_blocked", WARNING_TICKS), ("worker_ended", END_TICKS)):
        fields = lines.fields[event]
        *_, outer, inner = fields["stack"][: fields["stack"].index(fields["call"]) + 1]
        name = test_the_call_that_blocks_is_logged_and_then_the_process_ends.__name__
        assert fields["call"].startswith(f"{__name__}:")
        assert inner.endswith(f" {block_until.__qualname__}")
        assert outer.endswith(f" {name}.<locals>.read")
        assert fields["task"] == "load_identities"
        assert fields["seconds"] == ticks
        assert fields["cause"] == "other"


async def test_a_loop_that_runs_again_is_logged_and_the_process_goes_on(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_ended = threading.Event()
    # However slow this machine is.
    monkeypatch.setattr(watchdog, "END_TICKS", 100_000)

    with watch_event_loop(has_ended.set, TICK_SECONDS):
        block_until(lines.written["event_loop_blocked"])
        recovered = lines.written["event_loop_recovered"]
        assert await asyncio.to_thread(recovered.wait, LIMIT_SECONDS)

    assert not has_ended.is_set()


async def test_an_endless_loop_ends_the_process_as_well(lines: Lines) -> None:
    has_ended = threading.Event()

    with watch_event_loop(has_ended.set, TICK_SECONDS):
        while not has_ended.is_set():
            pass

    assert lines.fields["worker_ended"]["cause"] == "computing"


async def test_a_thread_that_only_waits_for_a_processor_is_not_ended(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_ended, has_ticked = threading.Event(), threading.Event()
    read, states = _ThreadState.read, list[_ThreadState]()

    def wait_for_processor(state: _ThreadState, native_id: int) -> _ThreadState:
        """Wait most of the time, as on a machine with a hundred processes for each processor."""
        now = read(state, native_id)
        states.append(replace(now, waiting=state.waiting + 0.98 * (now.at - state.at)))
        if len(states) > 3 * END_TICKS:
            has_ticked.set()
        return states[-1]

    monkeypatch.setattr(_ThreadState, "read", wait_for_processor)
    with watch_event_loop(has_ended.set, TICK_SECONDS):
        block_until(has_ticked)

    assert not has_ended.is_set()
    assert not lines.fields
