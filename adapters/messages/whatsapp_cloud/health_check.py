"""The health check of the account at Meta."""

from collections.abc import Callable
from typing import Final

from adapters.messages.whatsapp_cloud.client import REQUEST_ERRORS, WhatsAppClient
from adapters.messages.whatsapp_cloud.error_codes import NO_RESPONSE, to_result
from adapters.shared.account_health_check import AccountHealthCheck
from adapters.shared.http import ConnectionFailed

NOBODY_TTL: Final = 600.0
"""Seconds for which an error fails the health check that means that nobody gets messages."""


class WhatsAppHealthCheck(AccountHealthCheck):
    """Check that Meta responds, accepts the access token and knows the number.

    The request is free of charge. An app has 200 requests an hour for an account without a
    registered number, 5,000 otherwise, and each process keeps its own results:
    https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
    """

    success_ttl = 300.0
    failure_ttl = 30.0

    def __init__(self, client: WhatsAppClient, now: Callable[[], float]) -> None:
        super().__init__(now, NO_RESPONSE)
        self._client = client

    def fail(self, reason: str) -> None:
        """Fail for ten minutes: no request but that of a message says what this says."""
        self._failure, self._expires_at = reason, self._now() + NOBODY_TTL

    async def _find_failure(self) -> str | None:
        try:
            await self._client.check_phone_number()
        except ConnectionFailed as error:
            return f"{to_result(error).reason} ({error.reason})"
        except REQUEST_ERRORS as error:
            return to_result(error).full_reason
        return None
