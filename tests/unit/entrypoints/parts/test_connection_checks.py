"""Checks run at the same time, each in a process of its own."""

import asyncio
import signal
import threading
from collections.abc import Iterator

import pytest

from application.ports.errors import ConfigurationError
from entrypoints.parts.connection_checks import CheckResult, run_checks

HOUR = 3600.0


@pytest.fixture(autouse=True)
def end_at_sigterm() -> Iterator[None]:
    """Drop the handler of coverage: it takes a lock that another thread may hold at the fork."""
    former = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, former)


def set_up_nothing() -> None:
    """Set up a process that needs nothing."""


async def _works() -> str:
    return ""


async def _has_a_note() -> str:
    return "it is new"


async def _has_lines_below() -> str:
    return "\nthe first\nthe second"


async def _fails() -> str:
    raise ConfigurationError("It is locked: unlock it.")


async def _raises_anything() -> str:
    raise ValueError("rejected: tops3cret")


async def _blocks() -> str:
    threading.Event().wait(HOUR)
    return ""


async def _waits() -> str:
    # Longer than any test.
    await asyncio.sleep(HOUR)
    return ""


def test_each_check_has_its_own_result() -> None:
    checks = {
        "works": _works,
        "note": _has_a_note,
        "lines": _has_lines_below,
        "fails": _fails,
        "raises": _raises_anything,
    }
    assert run_checks(checks, set_up_nothing) == {
        "works": CheckResult(is_ok=True, text="ok"),
        "note": CheckResult(is_ok=True, text="ok (it is new)"),
        "lines": CheckResult(is_ok=True, text="ok\nthe first\nthe second"),
        "fails": CheckResult(is_ok=False, text="It is locked: unlock it."),
        "raises": CheckResult(is_ok=False, text="The check failed with ValueError."),
    }


def test_a_check_that_hangs_is_ended() -> None:
    checks = {"blocks": _blocks, "waits": _waits}
    results = run_checks(checks, set_up_nothing, timeout_seconds=0.1)

    assert [result.is_ok for result in results.values()] == [False, False]
    assert "no result in time" in results["blocks"].text
