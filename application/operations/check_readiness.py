"""Check whether the service is ready for requests."""

import asyncio
from typing import Final

from application.ports.errors import PortError
from application.ports.system import HealthCheck
from domain.values import dataclass

CHECK_TIMEOUT: Final = 0.5
"""Seconds. Kubernetes waits one second for an answer by default; the rest is for a busy worker."""
SUCCESS_TTL: Final = 5.0
"""Seconds for which a success is held."""
FAILURE_TTL: Final = 1.0
"""Seconds for which a failure is held; longer would delay the recovery."""
CANCEL_TIMEOUT: Final = 15.0
"""Seconds after which a check is cancelled. The checks of our adapters end before."""
_NO_RESPONSE: Final = "does not answer"


@dataclass(frozen=True, slots=True)
class Readiness:
    """For each part the reason why it does not work, or None. Only the database is essential."""

    database: str | None
    media: str | None
    messages: str | None

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent to this instance."""
        return self.database is None


class CheckReadiness:
    """Check database, media store and messenger at the same time.

    Anybody can request readiness, and a check may write to the disk. So each part has at most one
    check at a time, and its result is held for a while.
    """

    def __init__(self, database: HealthCheck, media: HealthCheck, messages: HealthCheck) -> None:
        """Check these parts."""
        self._parts = tuple(map(HeldHealthCheck, (database, media, messages)))

    async def __call__(self) -> Readiness:
        """Return the held or new results of all parts within `CHECK_TIMEOUT`."""
        checks = [(part, part.start()) for part in self._parts]
        # All checks run already. To await them in tasks would cost ten times as much as all held
        # results, and anybody can request readiness.
        return Readiness(*[await part.find_problem(check) for part, check in checks])


class HeldHealthCheck:
    """Runs a health check once at a time, and holds its result.

    - Callers that come while a check runs share its result.
    - A part fails if its check takes longer than `CHECK_TIMEOUT`, even if it succeeds later. While
      the check continues, every answer is that failure, and no other check begins.
    """

    def __init__(self, health_check: HealthCheck) -> None:
        """Hold no result yet, so that the first answer is a real check."""
        self._health_check = health_check
        self._running: asyncio.Task[str | None] | None = None
        self._answer_until = 0.0
        self._held_until = 0.0

    def start(self) -> asyncio.Task[str | None]:
        """Return the check that is running or whose result is held, or start one."""
        now = asyncio.get_running_loop().time()
        if self._running is None or (self._running.done() and now >= self._held_until):
            self._answer_until = now + CHECK_TIMEOUT
            self._running = asyncio.create_task(self._check())
        return self._running

    async def find_problem(self, check: asyncio.Task[str | None]) -> str | None:
        """Return the reason why the part does not work, or None, as this check finds it."""
        seconds_left = self._answer_until - asyncio.get_running_loop().time()
        if not check.done() and seconds_left > 0:
            # Unlike wait_for, this does not wait for a check that ignores its cancellation.
            await asyncio.wait([check], timeout=seconds_left)
        has_result = check.done() and not check.cancelled()
        return check.result() if has_result else _NO_RESPONSE

    async def _check(self) -> str | None:
        loop = asyncio.get_running_loop()
        problem = await self._run_check()
        if problem is None and loop.time() > self._answer_until:
            problem = _NO_RESPONSE
        self._held_until = loop.time() + (FAILURE_TTL if problem else SUCCESS_TTL)
        return problem

    async def _run_check(self) -> str | None:
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                await self._health_check.check()
        except TimeoutError:
            return _NO_RESPONSE
        except PortError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 -- an operator's adapter may raise anything
            return f"failed with {type(error).__name__}"
        return None
