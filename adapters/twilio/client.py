"""Twilio's REST API, by the `twilio` package: the only file that imports it.

The package has no types. It builds requests and parses responses; the requests are sent by
`Transport`. The package's own asynchronous client ignores its timeout and repeats a POST after a
500, which would send a second message.
"""

import logging
import re
from collections.abc import Awaitable
from typing import Any, Final
from urllib.parse import urlencode

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from adapters.twilio.transport import Transport

_MIN_ERROR_CODE: Final = 10_000
# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
_FAILED_STATUSES: Final = ("failed", "undelivered", "canceled")
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

    async def create_message(self, to: str, text: str, origin: dict[str, str]) -> None:
        """Create a message; return if Twilio accepted it and returned its SID.

        Args:
            to: The phone number in E.164.
            text: The body of the message.
            origin: `from_` or `messaging_service_sid`.
        """
        message = await _parse(self._account.messages.create_async(to=to, body=text, **origin))
        if not isinstance(message.sid, str) or _MESSAGE_SID.fullmatch(message.sid) is None:
            raise InvalidResponse
        if message.status in _FAILED_STATUSES:
            raise TwilioError(201, message.error_code)

    async def fetch_account_status(self) -> str:
        """Return the status of the account; this request is free of charge."""
        return str((await _parse(self._account.fetch_async())).status)

    async def find_number(self, number: str) -> bool | None:
        """Return whether a number of the account can send messages; None if it has no such number.

        Twilio also finds numbers that only contain this one.
        """
        listed = self._account.incoming_phone_numbers.list_async(phone_number=number, limit=20)
        found = {one.phone_number: one.capabilities for one in await _parse(listed)}
        return bool((found[number] or {}).get("sms", True)) if number in found else None

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
