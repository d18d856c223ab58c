"""The health check of the Twilio account."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from adapters.http import ConnectionFailed, NoResponse
from adapters.twilio.client import InvalidResponse, TwilioClient, TwilioError
from adapters.twilio.error_codes import INACTIVE, MESSAGES
from application.ports.errors import MessengerUnavailable

SUCCESS_TTL: Final = 30.0
"""Seconds for which a success is kept."""
FAILURE_TTL: Final = 5.0
"""Seconds for which a failure is kept."""
HEALTH_CHECK_TIMEOUT: Final = 2.5
"""Seconds."""


class TwilioHealthCheck:
    """Check that Twilio responds, accepts the credentials and that the account is active.

    It fetches the account, which is free of charge. Twilio limits the requests of an account, and
    the readiness endpoint is public: results are kept for a while.
    """

    def __init__(self, client: TwilioClient, now: Callable[[], float]) -> None:
        """Take `now` as a monotonic clock in seconds."""
        self._client = client
        self._now = now
        self._failure: str | None = None
        self._expires_at = -math.inf

    async def check(self) -> None:
        """Check that Twilio would accept a message.

        Raises:
            MessengerUnavailable: it would not; the message says why.
        """
        if self._now() >= self._expires_at:
            self._failure = await self._fetch_failure()
            self._expires_at = self._now() + (FAILURE_TTL if self._failure else SUCCESS_TTL)
        if self._failure is not None:
            raise MessengerUnavailable(self._failure)

    async def _fetch_failure(self) -> str | None:
        try:
            async with asyncio.timeout(HEALTH_CHECK_TIMEOUT):
                status = await self._client.fetch_account_status()
        except ConnectionFailed as error:
            return f"{MESSAGES.result(error).reason} ({error.reason})"
        except TimeoutError:
            return MESSAGES.no_response
        except (NoResponse, InvalidResponse) as error:
            return MESSAGES.result(error).reason
        except TwilioError as error:
            # A compatible server may offer messages only. Twilio's own 404 has an error code.
            is_compatible_server = error.status == 404 and error.code is None
            return None if is_compatible_server else MESSAGES.rejection(error)
        return None if status == "active" else INACTIVE.format(MESSAGES.service)
