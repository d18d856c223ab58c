"""The health check of the account at Meta."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from adapters.http import ConnectionFailed
from adapters.whatsapp_cloud.client import REQUEST_ERRORS, WhatsAppClient
from adapters.whatsapp_cloud.error_codes import to_result
from application.ports.errors import MessengerUnavailable

# An app has 200 requests an hour for an account without a registered number, 5,000 otherwise:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
SUCCESS_TTL: Final = 300.0
"""Seconds for which a success is kept, by each process."""
FAILURE_TTL: Final = 30.0
"""Seconds for which a failure is kept."""
HEALTH_CHECK_TIMEOUT: Final = 2.5
"""Seconds."""
_NO_RESPONSE: Final = "The WhatsApp service does not respond."


class WhatsAppHealthCheck:
    """Check that Meta responds, accepts the access token and knows the number.

    The request is free of charge. The readiness endpoint is public: results are kept for a while.
    """

    def __init__(self, client: WhatsAppClient, now: Callable[[], float]) -> None:
        """Take `now` as a monotonic clock in seconds."""
        self._client = client
        self._now = now
        self._failure: str | None = None
        self._expires_at = -math.inf

    async def check(self) -> None:
        """Check that Meta would accept a message.

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
                await self._client.check_phone_number()
        except ConnectionFailed as error:
            return f"{to_result(error).reason} ({error.reason})"
        except TimeoutError:
            return _NO_RESPONSE
        except REQUEST_ERRORS as error:
            return to_result(error).full_reason
        return None
