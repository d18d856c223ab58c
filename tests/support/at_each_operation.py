"""Interrupt an act at each of its operations, or let another act run before each of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from enum import Enum
from itertools import pairwise
from typing import Any, TypeVar

from application.ports.errors import PortError
from domain.errors import DomainError
from tests.support.core_harness import CoreHarness
from tests.support.fault_injector import ProcessKilled

Act = Callable[[], Awaitable[object]]
Started = TypeVar("Started", bound=tuple[CoreHarness, Act, *tuple[Any, ...]])
Racing = TypeVar("Racing", bound=tuple[CoreHarness, Act, Act, *tuple[Any, ...]])
REJECTIONS = (PortError, DomainError)
_READS = ("load", "list", "find", "count")


class Fault(Enum):
    """What happens to an operation. Of a lost one only the response is missing."""

    FAILS = "fails"
    LOST = "lost"
    KILLED = "killed"


async def at_each_operation(
    start: Callable[[], Awaitable[Started]], *faults: Fault
) -> AsyncIterator[Started]:
    """Interrupt an act at each of its operations, and yield what was started and interrupted.

    A read is one of them only after a write: others leave what that one leaves.

    Args:
        start: Return a new service, the act, and what the test needs besides.
        faults: What happens to the operation, one after the other.
    """
    operations = await _list_operations(start)
    for fault in faults or (Fault.FAILS, Fault.KILLED):
        for number, (before, operation) in enumerate(pairwise(["", *operations]), start=1):
            changing = {
                Fault.FAILS: [before, operation],
                Fault.LOST: [operation],
                Fault.KILLED: [before],
            }
            if all(map(_is_read, changing[fault])):
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
    start: Callable[[], Awaitable[Racing]],
) -> AsyncIterator[Racing]:
    """Run the second act before each operation of the first, and at last after it.

    Args:
        start: Return a new service, the two acts, and what the test needs besides.
    """
    operations = await _list_operations(start)
    for number, operation in enumerate([*operations, "its end"], start=1):
        started = await start()
        app, act, other = started[:3]
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


async def _list_operations(start: Callable[[], Awaitable[Started]]) -> Sequence[str]:
    """Return the operations of the act where nothing interrupts it."""
    app, act = (await start())[:2]
    app.faults.reset()
    await act()
    return app.faults.calls


def _show(place: str) -> None:
    """Print where the act was interrupted. pytest shows it if the test fails."""
    print(place)  # noqa: T201


def _is_read(operation: str) -> bool:
    return operation.partition(".")[2].startswith(_READS)
