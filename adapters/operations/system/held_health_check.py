"""A health check whose result is held for a while."""

import asyncio
import logging
from typing import Final

from application.ports.errors import PortError, StorageOverloaded
from application.ports.system import HealthCheck
from application.tasks import is_ended, start_task

CHECK_TIMEOUT: Final = 0.5
"""Seconds. Kubernetes waits one second for an answer by default; the rest is for a busy worker."""
SUCCESS_TTL: Final = 5.0
"""Seconds for which a success is held."""
FAILURE_TTL: Final = 1.0
"""Seconds for which a failure is held; longer would delay the recovery."""
CANCEL_TIMEOUT: Final = 15.0
"""Seconds after which a check is cancelled."""
_NO_RESPONSE: Final = "does not answer"

_log = logging.getLogger(__name__)


class HeldHealthCheck:
    """Runs a health check once at a time, and holds its result.

    Anybody can request readiness, and a check may write to the disk.

    - Callers that come while a check runs share its result.
    - A part fails if its check takes longer than `CHECK_TIMEOUT`, even if it succeeds later. While
      the check continues, every answer is that failure, and no other check begins.
    """

    def __init__(self, health_check: HealthCheck) -> None:
        self._health_check = health_check
        self._running: asyncio.Task[str] | None = None
        self._answer_until = 0.0
        self._held_until = 0.0
        self._logged = ""

    async def check(self) -> None:
        """Check that the part works, as the held or a new check finds it within `CHECK_TIMEOUT`.

        Raises:
            PortError: It does not; the text says why.
        """
        now = asyncio.get_running_loop().time()
        if self._running is None or (self._running.done() and now >= self._held_until):
            self._answer_until = now + CHECK_TIMEOUT
            self._running = start_task("health_check", self._check())
        check = self._running
        if not check.done() and now < self._answer_until:
            # Unlike wait_for, this does not wait for a check that ignores its cancellation.
            await asyncio.wait([check], timeout=self._answer_until - now)
        has_result = check.done() and not check.cancelled()
        if problem := check.result() if has_result else _NO_RESPONSE:
            raise PortError(problem)

    async def _check(self) -> str:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                await self._health_check.check()
            problem = "" if loop.time() <= self._answer_until else _NO_RESPONSE
        except TimeoutError:
            problem = _NO_RESPONSE
        except StorageOverloaded:
            # The part works. Without this instance, the others would have more to do.
            problem = ""
        except PortError as error:
            problem = error.reason
        # An operator's adapter may raise anything: SystemExit would end the process.
        except BaseException as error:
            if is_ended():
                raise
            problem = f"failed with {type(error).__name__}"
            if problem != self._logged:
                _log.error({"event": "health_check_failed"}, exc_info=error)
        self._logged = problem
        self._held_until = loop.time() + (FAILURE_TTL if problem else SUCCESS_TTL)
        return problem
