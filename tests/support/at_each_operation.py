"""Interrupt an act at each of its operations, or let another act run before each of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from enum import Enum
from typing import Any, TypeVar
from unittest.mock import patch

from application.ports.errors import PortError
from domain.errors import DomainError
from tests.support.core_harness import CoreHarness
from tests.support.fault_injector import ProcessKilled

Act = Callable[[], Awaitable[object]]
Started = TypeVar("Started", bound=tuple[CoreHarness, Act, *tuple[Any, ...]])
Racing = TypeVar("Racing", bound=tuple[CoreHarness, Act, Act, *tuple[Any, ...]])
REJECTIONS = (PortError, DomainError)


class Fault(Enum):
    """What happens to an operation. Of a lost one only the response is missing."""

    FAILS = "fails"
    LOST = "lost"
    KILLED = "killed"


async def at_each_operation(
    start: Callable[[], Awaitable[Started]], *faults: Fault
) -> AsyncIterator[Started]:
    """Interrupt an act at each of its operations, and yield what was started and interrupted.

    Each state that the act leaves behind is tried once: a read that fails after a read leaves
    what that one leaves.

    Args:
        start: Return a new service, the act, and what the test needs besides.
        faults: What happens to the operation, one after the other.
    """
    operations, states = await _run(start)
    for fault in faults or (Fault.FAILS, Fault.KILLED):
        for number, operation in enumerate(operations, start=1):
            is_after_change = number == 1 or states[number - 2] != states[number - 1]
            is_change = states[number - 1] != states[number]
            is_tried = {
                Fault.FAILS: is_after_change or is_change,
                Fault.LOST: is_change,
                Fault.KILLED: is_after_change,
            }
            if not is_tried[fault]:
                continue
            started = await start()
            app, act = started[:2]
            app.faults.fail_at(number, kill=fault is Fault.KILLED, is_done=fault is Fault.LOST)
            with suppress(ProcessKilled, *REJECTIONS):
                await act()
            assert app.faults.has_fired
            app.faults.reset()
            _show(f"call {number}, {operation}: {fault.value}")
            yield started


async def before_each_operation(
    start: Callable[[], Awaitable[Racing]], *, is_swapped: bool = False
) -> AsyncIterator[Racing]:
    """Run the second act before each operation of the first, and at last after it.

    Args:
        start: Return a new service, the two acts, and what the test needs besides.
        is_swapped: Run the first act before each operation of the second.
    """
    operations, _ = await _run(start, is_swapped=is_swapped)
    for number, operation in enumerate([*operations, "its end"], start=1):
        started = await start()
        app, act, other = started[:3]
        if is_swapped:
            act, other = other, act
        app.faults.run_at(number, other)
        await act()
        has_run = app.faults.has_fired
        app.faults.reset()
        if not has_run:
            await other()
        _show(f"before call {number}, {operation}")
        yield started


class Attempt:
    """An act of a race, and its result or why it was rejected."""

    def __init__(self, act: Act) -> None:
        self.act = act
        self.result: object = None

    async def __call__(self) -> None:
        try:
            self.result = await self.act()
        except REJECTIONS as error:
            self.result = error


async def _run(
    start: Callable[[], Awaitable[Started]], *, is_swapped: bool = False
) -> tuple[list[str], list[str]]:
    """Run the act without an interruption, or the second one.

    Returns:
        Its operations, and the states before each of them and after the last one.
    """
    app, act, *others = await start()
    act = others[0] if is_swapped else act
    app.faults.reset()
    states, on_call = list[str](), app.faults.on_call

    async def record_state(operation: str, error: type[PortError]) -> bool:
        states.append(_state_of(app))
        return await on_call(operation, error)

    with patch.object(app.faults, "on_call", record_state):
        await act()
    return app.faults.calls, [*states, _state_of(app)]


def _state_of(app: CoreHarness) -> str:
    """Return what is stored, and what providers and destinations have got."""
    tables = {name: rows for name, rows in app.database.records.tables.items() if rows}
    outside = [
        list(getattr(getattr(app, fake, None), name, ()))
        for fake, name in (
            ("messenger", "messages"),
            ("files", "contents"),
            ("call_provider", "calls"),
            ("call_provider", "recordings"),
        )
    ]
    attempted = [each.attempted for each in getattr(app, "destinations", {}).values()]
    return repr((tables, app.database.limits.stored, outside, attempted))


def _show(place: str) -> None:
    """Print where the act was interrupted. pytest shows it if the test fails."""
    print(place)  # noqa: T201
