"""The health check of the Twilio account."""

from collections.abc import Callable

from adapters.messages.twilio.client import InvalidResponse, TwilioClient, TwilioError
from adapters.messages.twilio.error_codes import INACTIVE, MESSAGES
from adapters.shared.account_health_check import AccountHealthCheck
from adapters.shared.http import ConnectionFailed, NoResponse


class TwilioHealthCheck(AccountHealthCheck):
    """Check that Twilio responds, accepts the credentials and that the account is active."""

    def __init__(self, client: TwilioClient, now: Callable[[], float]) -> None:
        super().__init__(now, MESSAGES.no_response)
        self._client = client

    async def _find_failure(self) -> str | None:
        try:
            status = await self._client.fetch_account_status()
        except ConnectionFailed as error:
            return f"{MESSAGES.result(error).reason} ({error.reason})"
        except (NoResponse, InvalidResponse) as error:
            return MESSAGES.result(error).reason
        except TwilioError as error:
            # A compatible server may offer messages only. Twilio's own 404 has an error code.
            is_compatible_server = error.status == 404 and error.code is None
            return None if is_compatible_server else MESSAGES.rejection(error)
        return None if status == "active" else INACTIVE.format(MESSAGES.service)
