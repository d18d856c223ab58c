"""The health check of the Vonage account."""

from collections.abc import Callable

from adapters.messages.vonage.client import REQUEST_ERRORS, VonageClient
from adapters.messages.vonage.error_codes import NO_RESPONSE, to_result
from adapters.shared.account_health_check import AccountHealthCheck
from adapters.shared.http import ConnectionFailed


class VonageHealthCheck(AccountHealthCheck):
    """Check that Vonage responds, accepts the credentials and that the account has credit."""

    def __init__(self, client: VonageClient, now: Callable[[], float]) -> None:
        super().__init__(now, NO_RESPONSE)
        self._client = client

    async def _find_failure(self) -> str | None:
        try:
            await self._client.check_access()
        except ConnectionFailed as error:
            return f"{to_result(error).reason} ({error.reason})"
        except REQUEST_ERRORS as error:
            return to_result(error).reason
        return None
