"""The health check of the Twilio account."""

import asyncio
from collections.abc import Callable
from typing import Final

from adapters.http import ConnectionFailed, NoResponse
from adapters.twilio.client import InvalidResponse, TwilioClient, TwilioError
from adapters.twilio.error_codes import (
    INACTIVE,
    NO_RESPONSE,
    NOT_REACHED,
    NOT_TWILIO,
    error_reason,
)
from application.ports.errors import MessengerUnavailable

SUCCESS_TTL: Final = 30.0
"""Seconds for which a success is kept."""
FAILURE_TTL: Final = 5.0
"""Seconds for which a failure is kept."""
HEALTH_CHECK_TIMEOUT: Final = 2.5
"""Seconds."""


class TwilioHealthCheck:
    """Check that Twilio responds, accepts the credentials and that the account is active.

    It fetches the account, which is free of charge. Twilio limits concurrent requests of an
    account, and the readiness endpoint is public: results are kept for a while, and checks at
    the same time share one request.
    """

    def __init__(
        self, client: TwilioClient, timeout_seconds: float, now: Callable[[], float]
    ) -> None:
        """Take `now` as a monotonic clock in seconds."""
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._lock = asyncio.Lock()
        self._failure: str | None = None
        self._expires_at: float | None = None

    async def check(self) -> None:
        """Return if Twilio would accept a message.

        Raises:
            MessengerUnavailable: it would not; the message says why.
        """
        try:
            async with asyncio.timeout(2 * self._timeout_seconds), self._lock:
                failure = await self._load_failure()
        except TimeoutError:
            failure = NO_RESPONSE
        if failure is not None:
            raise MessengerUnavailable(failure)

    async def _load_failure(self) -> str | None:
        if self._expires_at is None or self._now() >= self._expires_at:
            self._failure = await self._fetch_failure()
            self._expires_at = self._now() + (FAILURE_TTL if self._failure else SUCCESS_TTL)
        return self._failure

    async def _fetch_failure(self) -> str | None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                status = await self._client.fetch_account_status()
        except ConnectionFailed as error:
            return f"{NOT_REACHED.reason} ({error.reason})"
        except (NoResponse, TimeoutError):
            return NO_RESPONSE
        except InvalidResponse:
            return NOT_TWILIO
        except TwilioError as error:
            # A compatible server may offer messages only. Twilio's own 404 has an error code.
            is_compatible_server = error.status == 404 and error.code is None
            return None if is_compatible_server else error_reason(error)
        return None if status == "active" else INACTIVE
