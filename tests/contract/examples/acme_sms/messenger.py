"""The messenger of Acme."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.shared.http import (
    ConnectionFailed,
    HttpResponse,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)
from application.ports.errors import ConfigurationError, MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.phone import PhoneNumber
from tests.contract.examples.acme_sms.callbacks import AcmeStatusCallbacks
from tests.contract.examples.provider_failures import ProviderFailures

_VARIABLES: Final = ("ACME_URL", "ACME_API_KEY", "ACME_SENDER", "ACME_CALLBACK_SECRET")
_NOT_REACHED: Final = "The message service cannot be reached; try again shortly."
_NO_RESPONSE: Final = "The message service did not respond."
_REJECTED: Final = "The message service rejected the message."
_INVALID_NUMBER_REASONS: Final = {
    "unknown_number": "No phone has this number; check it.",
    "landline": "This number cannot get text messages; use the number of a mobile phone.",
}


class _Error(msgspec.Struct):
    code: str = ""


class _Message(msgspec.Struct):
    to: str
    text: str


class _Response(msgspec.Struct):
    id: str = ""
    error: _Error | None = None
    active: bool = False
    messages: list[_Message] = []


class AcmeMessenger(ProviderFailures):
    """Send messages by Acme; a message is never sent twice."""

    def __init__(
        self, transport: Transport, environ: Mapping[str, str], callbacks: AcmeStatusCallbacks
    ) -> None:
        """Take the settings from the environment."""
        self._transport = transport
        self._url = environ["ACME_URL"].rstrip("/")
        self._sender = environ["ACME_SENDER"]
        self._headers = {
            "Authorization": f"Bearer {environ['ACME_API_KEY']}",
            "Content-Type": "application/json",
        }
        self._callbacks = callbacks

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        # The message is accepted if Acme returns its id.
        # A lone surrogate cannot be encoded in UTF-8.
        sms = {"to": phone.e164, "text": message.text.encode(errors="replace").decode()}
        sms |= {"from": self._sender}
        if message.status_url:
            sms |= {"callback": message.status_url}
        try:
            response = await self._request("POST", "/v1/messages", sms)
        except ConnectionFailed:
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, _NOT_REACHED)
        except NoResponse:
            return DeliveryResult(DeliveryStatus.UNKNOWN, _NO_RESPONSE)
        answer = _parse(response)
        if response.status == 202:
            if answer.id:
                return DeliveryResult(DeliveryStatus.ACCEPTED)
            return DeliveryResult(DeliveryStatus.UNKNOWN, _NO_RESPONSE)
        code = answer.error.code if answer.error else ""
        if code in _INVALID_NUMBER_REASONS:
            reason = _INVALID_NUMBER_REASONS[code]
            return DeliveryResult(DeliveryStatus.INVALID_NUMBER, reason)
        # Only an error of Acme's own says that nothing was sent. Any other 4xx is something else in
        # between, and after a 5xx Acme may have the message (RFC 9110, section 15.6).
        if code and 400 <= response.status < 500:
            return DeliveryResult(DeliveryStatus.REJECTED, _REJECTED)
        return DeliveryResult(DeliveryStatus.UNKNOWN, _NO_RESPONSE)

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        return self._callbacks.read_statuses(request)

    async def check(self) -> None:
        """Return if Acme would accept a message.

        Raises:
            MessengerUnavailable: it would not; the message says why.
        """
        try:
            response = await self._request("GET", "/v1/account")
        except ConnectionFailed as error:
            raise MessengerUnavailable(f"{_NOT_REACHED} ({error.reason})") from None
        except NoResponse:
            raise MessengerUnavailable(_NO_RESPONSE) from None
        if not _parse(response).active:
            raise MessengerUnavailable(f"Acme does not accept the account: {response.status}.")

    async def received(self) -> list[tuple[str, str]]:
        """Return all messages, for the contract tests."""
        messages = _parse(await self._request("GET", "/v1/messages")).messages
        return [(message.to, message.text) for message in messages]

    def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        """Return a callback as Acme posts it, for the contract tests."""
        body = b'{"state": "delivered"}' if body is None else body
        return self._callbacks.sign(url, body, signed_at)

    async def _request(self, method: str, path: str, body: Any = None) -> HttpResponse:
        content = None if body is None else msgspec.json.encode(body)
        return await self._transport.request(
            method, f"{self._url}{path}", content=content, headers=self._headers
        )


def _parse(response: HttpResponse) -> _Response:
    try:
        return msgspec.json.decode(response.text, type=_Response)
    except (ValueError, RecursionError):
        return _Response()


@asynccontextmanager
async def open_acme_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[AcmeMessenger]:
    """Open the messenger, which keeps connections until the block ends."""
    for variable in _VARIABLES:
        if not environ.get(variable):
            raise ConfigurationError(f"{variable} is not set. Set it as Acme's console shows it.")
    callbacks = AcmeStatusCallbacks(environ["ACME_CALLBACK_SECRET"])
    timeouts = Timeouts(read=float(environ.get("ACME_TIMEOUT", "8")))
    async with open_transport(timeouts) as transport:
        yield AcmeMessenger(transport, environ, callbacks)
