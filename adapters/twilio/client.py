"""Twilio's REST API, by the `twilio` package.

The package has no types. It builds requests and parses responses; the requests are sent by
`Transport`. The package's own asynchronous client ignores its timeout and repeats a POST after a
500, which would send a second message.
"""

import logging
import re
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from adapters.twilio.transport import HttpStream, Transport

CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}")
RECORDING_SID: Final = re.compile(r"RE[0-9a-fA-F]{32}")
"""https://www.twilio.com/docs/glossary/what-is-a-sid"""

_MIN_ERROR_CODE: Final = 10_000
# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
_FAILED_STATUSES: Final = ("failed", "undelivered", "canceled")
# https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent
_CALL_EVENTS: Final = ["initiated", "ringing", "answered", "completed"]
# https://www.twilio.com/docs/messaging/api/message-resource: SM is a text message, MM has media.
_MESSAGE_SID: Final = re.compile("(?:SM|MM)[0-9a-fA-F]{32}")
# With an empty mapping the package would read the environment of the process.
_NO_ENVIRONMENT: Final = {"": ""}


class TwilioError(Exception):
    """Twilio rejected a request.

    Attributes:
        status: The HTTP status; 0 if the package could not read it.
        code: Twilio's error code (https://www.twilio.com/docs/api/errors), if there is one.
    """

    def __init__(self, status: object, code: object) -> None:
        """Take both values as the package reads them."""
        super().__init__()
        # In an RFC 9457 response the package reads the status from the body: it can be any value.
        self.status = status if isinstance(status, int) else 0
        # If a response has no code, the package uses the HTTP status as the code.
        self.code = code if isinstance(code, int) and code >= _MIN_ERROR_CODE else None


class InvalidResponse(Exception):
    """A response with a success status whose body is not the documented resource."""


@dataclass(frozen=True, slots=True)
class AccountNumber:
    """A number of the account: what it can do, and where Twilio reports calls to it."""

    can_send: bool
    can_call: bool
    voice_url: str


class TwilioClient:
    """The parts of Twilio's REST API that the service uses.

    Every method raises TwilioError, InvalidResponse, ConnectionFailed or NoResponse.
    """

    def __init__(
        self, account_sid: str, auth_token: str, api_base: str | None, transport: Transport
    ) -> None:
        """Send requests to `api_base`, or to Twilio if it is None."""
        client = Client(
            account_sid,
            auth_token,
            http_client=_HttpClient(transport),
            environment=_NO_ENVIRONMENT,
        )
        if api_base is not None:
            client.api.base_url = api_base
            client.messaging.base_url = api_base
        self._services = client.messaging.v1.services
        self._account = client.api.v2010.account
        # The package fetches JSON only.
        self._transport = transport
        self._credentials = (account_sid, auth_token)
        self._account_url = f"{client.api.base_url}/2010-04-01/Accounts/{account_sid}"

    async def create_message(self, to: str, text: str, options: dict[str, str]) -> None:
        """Create a message; return if Twilio accepted it and returned its SID.

        Args:
            to: The phone number in E.164.
            text: The body of the message.
            options: `from_` or `messaging_service_sid`, and perhaps `status_callback`.
        """
        message = await _parse(self._account.messages.create_async(to=to, body=text, **options))
        if not isinstance(message.sid, str) or _MESSAGE_SID.fullmatch(message.sid) is None:
            raise InvalidResponse
        if message.status in _FAILED_STATUSES:
            raise TwilioError(201, message.error_code)

    async def create_call(
        self, to: str, from_: str, url: str, status_url: str, timeout_seconds: int
    ) -> str:
        """Create a call, which begins with the TwiML at `url`, and return its SID."""
        call = await _parse(
            self._account.calls.create_async(
                to=to,
                from_=from_,
                url=url,
                method="POST",
                status_callback=status_url,
                status_callback_method="POST",
                status_callback_event=_CALL_EVENTS,
                timeout=timeout_seconds,
            )
        )
        if not isinstance(call.sid, str) or CALL_SID.fullmatch(call.sid) is None:
            raise InvalidResponse
        if call.status in _FAILED_STATUSES:
            raise TwilioError(201, None)
        return call.sid

    async def delete_recording(self, recording_sid: str) -> None:
        """Delete a recording."""
        recording = self._account.recordings(recording_sid)
        response = await _parse(recording.delete_with_http_info_async())
        # Another server may respond with a success too.
        if response.status_code != HTTPStatus.NO_CONTENT:
            raise InvalidResponse

    def open_recording(
        self, recording_sid: str, total_seconds: float
    ) -> AbstractAsyncContextManager[HttpStream]:
        """Open a recording as MP3."""
        return self._transport.open_stream(
            f"{self._account_url}/Recordings/{recording_sid}.mp3",
            credentials=self._credentials,
            total_seconds=total_seconds,
        )

    async def fetch_account_status(self) -> str:
        """Return the status of the account; this request is free of charge."""
        return str((await _parse(self._account.fetch_async())).status)

    async def find_number(self, number: str) -> AccountNumber | None:
        """Return a number of the account, or None.

        Twilio also finds numbers that only contain this one.
        """
        listed = self._account.incoming_phone_numbers.list_async(phone_number=number, limit=20)
        found = {one.phone_number: one for one in await _parse(listed)}
        if number not in found:
            return None
        capabilities = found[number].capabilities or {}
        return AccountNumber(
            can_send=bool(capabilities.get("sms", True)),
            can_call=bool(capabilities.get("voice", True)),
            voice_url=str(found[number].voice_url or ""),
        )

    async def has_short_code(self, code: str) -> bool:
        """Return whether the account has this short code."""
        listed = self._account.short_codes.list_async(short_code=code, limit=20)
        return any(one.short_code == code for one in await _parse(listed))

    async def fetch_messaging_service(self, sid: str) -> None:
        """Return if the account has this messaging service."""
        await _parse(self._services(sid).fetch_async())


class _HttpClient(AsyncHttpClient):
    def __init__(self, transport: Transport) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._transport = transport

    async def request(
        self,
        method: str,
        uri: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        **_: Any,
    ) -> Response:
        if params:
            uri = f"{uri}?{urlencode(params)}"
        response = await self._transport.request(
            method, uri, form=data, headers=headers, credentials=auth
        )
        return Response(response.status, response.text)


async def _parse(request: Awaitable[Any]) -> Any:
    try:
        return await request
    except (TwilioRestException, TwilioServiceException) as error:
        raise TwilioError(error.status, error.code) from None
    except TwilioException as error:
        # For a list, the package does not read the error; its last argument is the response.
        raise TwilioError(getattr(error.args[-1], "status_code", None), None) from None
    # RecursionError: JSON that is nested too deeply.
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        raise InvalidResponse from None
