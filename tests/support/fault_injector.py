"""Make an operation of the in-memory adapters fail, kill the process or run something first."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from application.ports.errors import PortError

Action = Callable[[], Awaitable[object]]


def name_operation(port_name: str, port: object, method: str, arguments: Sequence[object]) -> str:
    """Return the name of a call. A `save` has that of the method which does the same."""
    if method == "save" and hasattr(port, "add"):
        method = "replace" if arguments[-1] else "add"
    return f"{port_name}.{method}"


async def cancel_this() -> None:
    """Cancel the running task, as a client that disconnects: its next step raises that."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


class ProcessKilled(BaseException):
    """The process was killed at this call."""


@dataclass
class FaultInjector:
    """Acts once on the next call of a named operation, like `identities.replace`.

    Attributes:
        calls: The operations that were called since the last plan or `reset`.
        has_fired: Whether the plan was carried out. A killed process stays dead until `reset`.
    """

    calls: list[str] = field(default_factory=list)
    has_fired: bool = False
    _operation: str | None = None
    _number: int | None = None
    _after: str | None = None
    _kill: bool = False
    _is_lost: bool = False
    _action: Action | None = None

    def fail_on(
        self, operation: str, *, after: str | None = None, kill: bool = False, is_done: bool = False
    ) -> None:
        """Let the next call of the operation fail, or kill the process there.

        With `after`, it is the next call of the operation after a call of that one. With `is_done`,
        the call has its effect, and only its response is lost.
        """
        self.reset()
        self._operation, self._after = operation, after
        self._kill, self._is_lost = kill, is_done

    def fail_at(self, call: int, *, kill: bool = False, is_done: bool = False) -> None:
        """Let the call with this number fail, from 1 on; see `fail_on`."""
        self.reset()
        self._number, self._kill, self._is_lost = call, kill, is_done

    def run_before(self, operation: str, action: Action) -> None:
        """Run the action to its end before the next call of the operation."""
        self.reset()
        self._operation, self._action = operation, action

    def run_at(self, call: int, action: Action) -> None:
        """Run the action to its end before the call with this number, from 1 on."""
        self.reset()
        self._number, self._action = call, action

    def reset(self) -> None:
        """Remove the plan and forget the calls."""
        vars(self).update(vars(FaultInjector()))

    async def on_call(self, operation: str, error: type[PortError]) -> bool:
        """Let the plan act on a call. Return whether its response is lost.

        Raises:
            PortError: `error`, if this call fails.
            ProcessKilled
        """
        if self._kill and self.has_fired:
            raise ProcessKilled
        self.calls.append(operation)
        if self._after is not None:
            self._after = None if operation == self._after else self._after
        elif operation == self._operation or len(self.calls) == self._number:
            self._operation, self._number, self.has_fired = None, None, True
            if self._action is not None:
                await self._action()
            elif not self._is_lost:
                raise ProcessKilled if self._kill else error(f"injected at {operation}")
            return self._is_lost
        return False
