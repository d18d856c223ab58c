"""Make a call of the in-memory adapters fail, kill the process or run something else first."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from application.ports.errors import PortError

Action = Callable[[], Awaitable[object]]


class ProcessKilled(BaseException):
    """The process was killed at this call."""


@dataclass
class FaultInjector:
    """Decides what happens at each call of the in-memory adapters.

    Calls have names like `identities.replace`. Steps are the numbers of calls, from 1, counted
    from the last plan or `reset` on. A plan is used once, but a killed process stays dead until
    `reset`.

    Attributes:
        calls: The names of the calls since then.
        has_fired: Whether the plan was carried out.
    """

    calls: list[str] = field(default_factory=list)
    has_fired: bool = False
    _target: str | int | None = None
    _kill: bool = False
    _action: Action | None = None

    def fail_on(self, operation: str, *, kill: bool = False) -> None:
        """Let the next call of the operation fail, or kill the process there."""
        self._plan(operation, kill=kill)

    def fail_at(self, step: int, *, kill: bool = False) -> None:
        """Let the call with this number fail, or kill the process there."""
        self._plan(step, kill=kill)

    def run_at(self, step: int, action: Action) -> None:
        """Run the action to its end before the call with this number."""
        self._plan(step, action=action)

    async def run_pending(self) -> None:
        """Run the action now if its step was not reached."""
        self._target = None
        if self._action is not None and not self.has_fired:
            await self._fire_action(self._action)

    def reset(self) -> None:
        """Remove the plan and count calls from 1 again."""
        self._plan(None)

    async def on_call(self, operation: str, error: type[PortError]) -> None:
        """Let the plan act on a call.

        Raises:
            PortError: `error`, if this call fails.
            ProcessKilled
        """
        if self._kill and self.has_fired:
            raise ProcessKilled
        self.calls.append(operation)
        if self._target not in (operation, len(self.calls)):
            return
        self._target = None
        if self._action is not None:
            await self._fire_action(self._action)
            return
        self.has_fired = True
        raise ProcessKilled if self._kill else error(f"injected at {operation}")

    async def _fire_action(self, action: Action) -> None:
        self.has_fired = True
        await action()

    def _plan(
        self, target: str | int | None, *, kill: bool = False, action: Action | None = None
    ) -> None:
        self.calls.clear()
        self.has_fired = False
        self._target, self._kill, self._action = target, kill, action
