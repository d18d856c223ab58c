"""The one file that sees the `twilio` package, which has no types.

The package builds requests and reads answers; they travel by our own transport. Its own
asynchronous client ignores its timeout, and repeats a POST after a 500: a second message.
"""

import logging
from typing import Any, Final

from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from adapters.twilio.transport import Transport

_LOWEST_CODE: Final = 10_000
# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
_LOST: Final = ("failed", "undelivered", "canceled")
# An empty one would make the package look into the process's own.
_NO_ENVIRONMENT: Final = {"": ""}


class Refused(Exception):
    """Twilio said no: a status of HTTP and, where it told one, a code of its dictionary."""

    def __init__(self, status: object, code: object) -> None:
        super().__init__()
        # Of the newer form of a refusal, the package reads the status out of the body.
        self.status = status if isinstance(status, int) else 0
        # Where an answer has no code, the package puts the status in its place.
        self.code = code if isinstance(code, int) and code >= _LOWEST_CODE else None


class Unreadable(Exception):
    """The answer is a success by its status, and not by what it says."""


class TwilioClient:
    """Twilio's REST API, as far as it is needed here."""

    def __init__(
        self, account_sid: str, auth_token: str, api_base: str | None, transport: Transport
    ) -> None:
        client = Client(
            account_sid,
            auth_token,
            http_client=_HttpClient(transport),
            environment=_NO_ENVIRONMENT,
        )
        if api_base is not None:
            client.api.base_url = api_base
        self._account = client.api.v2010.account

    async def create_message(self, to: str, text: str, sender: dict[str, str]) -> None:
        """Return when Twilio took the message, which it then names.

        Raises:
            Refused
            Unreadable
            NotReached
            NoAnswer
        """
        message = await _read(self._account.messages.create_async(to=to, body=text, **sender))
        if message.status in _LOST:
            raise Refused(201, message.error_code)
        if not isinstance(message.sid, str) or not message.sid:
            raise Unreadable

    async def account_status(self) -> str:
        """Give the account's status, which is free of charge.

        Raises:
            Refused
            Unreadable
            NotReached
            NoAnswer
        """
        return str((await _read(self._account.fetch_async())).status)


class _HttpClient(AsyncHttpClient):
    def __init__(self, transport: Transport) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._transport = transport

    async def request(
        self,
        method: str,
        uri: str,
        params: Any = None,  # noqa: ARG002 -- nothing here asks with any
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        **_: Any,
    ) -> Response:
        answer = await self._transport.ask(
            method, uri, form=data, headers=headers, credentials=auth
        )
        return Response(answer.status, answer.text)


async def _read(asking: Any) -> Any:
    try:
        return await asking
    except (TwilioRestException, TwilioServiceException) as refusal:
        raise Refused(refusal.status, refusal.code) from None
    except (ValueError, TypeError, AttributeError, LookupError):
        raise Unreadable from None
