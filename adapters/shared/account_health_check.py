"""The health check of an account at a provider of messages."""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from application.ports.errors import MessengerUnavailable

SUCCESS_TTL: Final = 30.0
"""Seconds for which a success is kept."""
FAILURE_TTL: Final = 5.0
"""Seconds for which a failure is kept."""
HEALTH_CHECK_TIMEOUT: Final = 2.5
"""Seconds."""


class AccountHealthCheck(ABC):
    """Check that a provider would accept a message.

    Providers limit the requests of an account, and the readiness endpoint is public: results are
    kept for a while.
    """

    success_ttl = SUCCESS_TTL
    failure_ttl = FAILURE_TTL

    def __init__(self, now: Callable[[], float], no_response: str) -> None:
        """Take `now` as a monotonic clock in seconds, and the text of a failure in silence."""
        self._now = now
        self._no_response = no_response
        self._failure: str | None = None
        self._expires_at = -math.inf

    async def check(self) -> None:
        if self._now() >= self._expires_at:
            failure = await self._find_in_time()
            if self._now() >= self._expires_at:  # no message has told it meanwhile
                self._failure = failure
                ttl = self.failure_ttl if failure else self.success_ttl
                self._expires_at = self._now() + ttl
        if self._failure is not None:
            raise MessengerUnavailable(self._failure)

    async def _find_in_time(self) -> str | None:
        try:
            async with asyncio.timeout(HEALTH_CHECK_TIMEOUT):
                return await self._find_failure()
        except TimeoutError:
            return self._no_response

    @abstractmethod
    async def _find_failure(self) -> str | None:
        """Return why the provider would accept no message, None if it would accept one."""
