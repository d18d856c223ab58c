"""The health check of the Vonage account."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from adapters.http import ConnectionFailed
from adapters.vonage.client import REQUEST_ERRORS, VonageClient
from adapters.vonage.error_codes import NO_RESPONSE, to_result
from application.ports.errors import MessengerUnavailable

SUCCESS_TTL: Final = 30.0
"""Seconds for which a success is kept."""
FAILURE_TTL: Final = 5.0
"""Seconds for which a failure is kept."""
HEALTH_CHECK_TIMEOUT: Final = 2.5
"""Seconds."""


class VonageHealthCheck:
    """Check that Vonage responds, accepts the credentials and that the account has credit.

    Vonage limits the requests of an account, and the readiness endpoint is public: results are kept
    for a while.
    """

    def __init__(self, client: VonageClient, now: Callable[[], float]) -> None:
        """Take `now` as a monotonic clock in seconds."""
        self._client = client
        self._now = now
        self._failure: str | None = None
        self._expires_at = -math.inf

    async def check(self) -> None:
        """Check that Vonage would accept a message.

        Raises:
            MessengerUnavailable: it would not; the message says why.
        """
        if self._now() >= self._expires_at:
            self._failure = await self._find_failure()
            self._expires_at = self._now() + (FAILURE_TTL if self._failure else SUCCESS_TTL)
        if self._failure is not None:
            raise MessengerUnavailable(self._failure)

    async def _find_failure(self) -> str | None:
        try:
            async with asyncio.timeout(HEALTH_CHECK_TIMEOUT):
                await self._client.check_access()
        except TimeoutError:
            return NO_RESPONSE
        except ConnectionFailed as error:
            return f"{to_result(error).reason} ({error.reason})"
        except REQUEST_ERRORS as error:
            return to_result(error).reason
        return None
