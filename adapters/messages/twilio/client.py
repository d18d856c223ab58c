"""Twilio's REST API, by HTTP.

The `twilio` package has a client too. Importing it takes 0.3 s and 18 MB, and its asynchronous
variant ignores its timeout and repeats a POST after a 500, which would send a second message.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from twilio.base.exceptions import TwilioRestException, TwilioServiceException

from adapters.shared.causes import code_of
from adapters.shared.http import ConnectionFailed, Form, HttpResponse, NoResponse, Transport

MESSAGING_SERVICE_SID: Final = re.compile(r"MG[0-9a-fA-F]{32}")
"""https://www.twilio.com/docs/glossary/what-is-a-sid"""

_MIN_ERROR_CODE: Final = 10_000
# https://www.twilio.com/docs/api/errors/20503
_SERVICE_UNAVAILABLE: Final = 20503
# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
_NOT_SENT_STATUSES: Final = ("failed", "canceled")
_NOT_DELIVERED: Final = "undelivered"
# https://www.twilio.com/docs/messaging/api/message-resource: SM is a text message, MM has media.
_MESSAGE_SID: Final = re.compile("(?:SM|MM)[0-9a-fA-F]{32}")
_API_BASE: Final = "https://api.twilio.com"
_MESSAGING_BASE: Final = "https://messaging.twilio.com"
# Twilio's search finds numbers that only contain the one in question.
_PAGE_SIZE: Final = "20"


class TwilioError(Exception):
    """A request failed, as its response says.

    Attributes:
        code: Twilio's error code (https://www.twilio.com/docs/api/errors), if there is one.
        says_not_sent: It is certain that Twilio did not send the message or place the call.
    """

    def __init__(self, status: int, code: object, *, says_not_sent: bool | None = None) -> None:
        """Take the code as it was received: another server may use any value.

        By default, an error of Twilio's own says that nothing was sent: a 4xx with a code, or a 5xx
        with one that says so.
        """
        super().__init__()
        self.status = status
        self.code = code if isinstance(code, int) and code >= _MIN_ERROR_CODE else None
        if says_not_sent is None:
            is_client_error = 400 <= status < 500 and self.code is not None
            says_not_sent = is_client_error or self.code == _SERVICE_UNAVAILABLE
        self.says_not_sent = says_not_sent


class InvalidResponse(Exception):
    """A response with a success status whose body is not the documented resource."""


@code_of.register
def _(error: TwilioError | TwilioRestException | TwilioServiceException) -> str:
    # The text of Twilio's own exceptions, which an operator's adapter may raise, has the request.
    parts = (error.status, error.code)
    return " ".join(str(part) for part in parts if isinstance(part, int))


REQUEST_ERRORS: Final = (TwilioError, InvalidResponse, ConnectionFailed, NoResponse)


class AccountNumber(msgspec.Struct):
    """A number of the account: what it can do, and where Twilio reports calls to it."""

    phone_number: str
    capabilities: dict[str, bool] | None = None
    voice_url: str | None = None
    status_callback: str | None = None

    def can(self, capability: str) -> bool:
        """Return whether it has a capability. Another server may list none."""
        return (self.capabilities or {}).get(capability, True)


class Resource(msgspec.Struct):
    """The fields that are read of a message, a call, the account, a list or an error."""

    sid: Any = None
    status: Any = None
    error_code: Any = None
    code: Any = None
    incoming_phone_numbers: list[AccountNumber] | None = None


class TwilioClient:
    """The parts of Twilio's REST API that messages need.

    Every method raises one of `REQUEST_ERRORS`.
    """

    def __init__(
        self, account_sid: str, auth_token: str, api_base: str | None, transport: Transport
    ) -> None:
        """Send requests to `api_base`, or to Twilio if it is None."""
        self.transport = transport
        self.credentials = (account_sid, auth_token)
        self.account_url = f"{api_base or _API_BASE}/2010-04-01/Accounts/{account_sid}"
        self._services = f"{api_base or _MESSAGING_BASE}/v1/Services"

    async def create_message(self, to: str, text: str, options: Mapping[str, str]) -> str:
        """Create a message to a number in E.164, and return its SID.

        `options` have `From` or `MessagingServiceSid`, and perhaps `StatusCallback`.
        """
        form = {"To": to, "Body": text, **options}
        message = await self.request("POST", f"{self.account_url}/Messages.json", form)
        if not isinstance(message.sid, str) or _MESSAGE_SID.fullmatch(message.sid) is None:
            raise InvalidResponse
        check_status(message)
        return message.sid

    async def fetch_account_status(self) -> str:
        """Return the status of the account; this request is free of charge."""
        return str((await self.request("GET", f"{self.account_url}.json")).status)

    async def find_number(self, number: str) -> AccountNumber | None:
        query = {"PhoneNumber": number, "PageSize": _PAGE_SIZE}
        url = f"{self.account_url}/IncomingPhoneNumbers.json?{urlencode(query)}"
        listed = (await self.request("GET", url)).incoming_phone_numbers
        if listed is None:
            raise InvalidResponse
        return next((entry for entry in listed if entry.phone_number == number), None)

    async def fetch_messaging_service(self, sid: str) -> None:
        await self.request("GET", f"{self._services}/{sid}")

    async def request(self, method: str, url: str, form: Form | None = None) -> Resource:
        return _parse((await self.send(method, url, form)).text)

    async def send(self, method: str, url: str, form: Form | None = None) -> HttpResponse:
        """Send a request, and return its response. One without success is an error."""
        response = await self.transport.request(
            method, url, form=form, credentials=self.credentials
        )
        if not 200 <= response.status < 300:
            with suppress(InvalidResponse):
                raise TwilioError(response.status, _parse(response.text).code)
            raise TwilioError(response.status, None)
        return response


def check_status(created: Resource) -> None:
    """Check that a message or a call was not created with the status of a failure.

    Raises:
        TwilioError: It was.
    """
    is_sent = created.status == _NOT_DELIVERED
    if is_sent or created.status in _NOT_SENT_STATUSES:
        raise TwilioError(HTTPStatus.CREATED, created.error_code, says_not_sent=not is_sent)


def _parse(body: str) -> Resource:
    try:
        return msgspec.json.decode(body, type=Resource)
    # RecursionError: JSON that is nested too deeply.
    except (ValueError, RecursionError):
        raise InvalidResponse from None
