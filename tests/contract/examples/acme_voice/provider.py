"""The phone line by Acme: all of its ports in one object."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Final

import msgspec

from adapters.shared.http import (
    ConnectionFailed,
    HttpResponse,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)
from application.features.voice.ports import Markup, RecordingFile, WebhookFields
from application.ports.errors import (
    CallProviderUnavailable,
    ConfigurationError,
    RecordingNotFound,
)
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.webhooks import SignedRequest
from domain.features.voice.instructions import Instruction, Position
from domain.phone import PhoneNumber
from tests.contract.examples.acme_signature import sign_callback
from tests.contract.examples.acme_voice.markup import render_steps
from tests.contract.examples.acme_voice.webhooks import is_signed, parse_call
from tests.contract.examples.provider_failures import ProviderFailures

RECORDING_SECONDS: Final = 600.0
_VARIABLES: Final = ("ACME_VOICE_URL", "ACME_VOICE_KEY", "ACME_VOICE_NUMBER", "ACME_VOICE_SECRET")
_NOT_REACHED: Final = "The provider of calls cannot be reached; try again shortly."
_NO_RESPONSE: Final = "The provider of calls did not respond."
_REJECTED: Final = "The provider of calls rejected the call."
_INVALID_NUMBER: Final = "No phone has this number; check it."


class _Response(msgspec.Struct):
    id: str = ""
    error: str = ""
    active: bool = False
    placed: list[tuple[str, str, str]] = []


class AcmeVoice(ProviderFailures):
    """Place and answer calls by Acme; a call is never placed twice."""

    def __init__(self, transport: Transport, environ: Mapping[str, str]) -> None:
        """Take the settings from the environment."""
        self._transport = transport
        self._url = environ["ACME_VOICE_URL"].rstrip("/")
        self._credentials = ("acme", environ["ACME_VOICE_KEY"])
        self._number = environ["ACME_VOICE_NUMBER"]
        self._secret = environ["ACME_VOICE_SECRET"]

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        # The call is placed if Acme returns its id.
        call = {"to": phone.e164, "from": self._number, "url": url, "status_url": status_url}
        try:
            response = await self._request("POST", "/v1/calls", json.dumps(call).encode())
        except ConnectionFailed:
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, _NOT_REACHED)
        except NoResponse:
            return DeliveryResult(DeliveryStatus.UNKNOWN, _NO_RESPONSE)
        answer = _parse(response)
        if response.status == 202 and answer.id:
            return DeliveryResult(DeliveryStatus.ACCEPTED, provider_call_id=answer.id)
        if answer.error == "unknown_number":
            return DeliveryResult(DeliveryStatus.INVALID_NUMBER, _INVALID_NUMBER)
        # Only an error of Acme's own says that no phone rings.
        if answer.error and 400 <= response.status < 500:
            return DeliveryResult(DeliveryStatus.REJECTED, _REJECTED)
        return DeliveryResult(DeliveryStatus.UNKNOWN, _NO_RESPONSE)

    @asynccontextmanager
    async def open_recording(self, recording_id: str) -> AsyncIterator[RecordingFile]:
        if not recording_id.isalnum():
            raise RecordingNotFound
        url = f"{self._url}/v1/recordings/{recording_id}"
        try:
            async with self._transport.open_stream(
                url, credentials=self._credentials, total_seconds=RECORDING_SECONDS
            ) as stream:
                if stream.status == 404:
                    raise RecordingNotFound
                if stream.status != 200:
                    raise CallProviderUnavailable(_REJECTED)
                async with aclosing(_read(stream.chunks)) as chunks:
                    yield RecordingFile(stream.media_type, stream.size, chunks)
        except (ConnectionFailed, NoResponse):
            raise CallProviderUnavailable(_NOT_REACHED) from None

    async def delete_recording(self, recording_id: str) -> None:
        if not recording_id.isalnum():
            return
        try:
            response = await self._request("DELETE", f"/v1/recordings/{recording_id}")
        except (ConnectionFailed, NoResponse):
            raise CallProviderUnavailable(_NOT_REACHED) from None
        if response.status not in (204, 404):
            raise CallProviderUnavailable(_REJECTED)

    def verify(self, request: SignedRequest) -> bool:
        return is_signed(self._secret, request)

    def parse(self, request: SignedRequest) -> WebhookFields:
        return parse_call(request)

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        return render_steps(instructions, url_of, recording_status_url)

    async def check(self) -> None:
        """Return if Acme would place a call.

        Raises:
            CallProviderUnavailable: it would not; the message says why.
        """
        try:
            response = await self._request("GET", "/v1/account")
        except (ConnectionFailed, NoResponse):
            raise CallProviderUnavailable(_NOT_REACHED) from None
        if not _parse(response).active:
            raise CallProviderUnavailable(f"Acme does not accept the account: {response.status}.")

    # The following methods are for the contract tests.

    async def placed_calls(self) -> list[tuple[str, str, str]]:
        """Return the number and the URLs of all calls."""
        return _parse(await self._request("GET", "/v1/calls")).placed

    async def add_recording(self, content: bytes) -> str:
        return _parse(await self._request("POST", "/v1/recordings", content)).id

    def sign_webhook(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        """Return a request that Acme would post, by default about a call of +14155550001."""
        if body is None:
            body = b'{"call": "c1", "from": "+14155550001", "to": "+14155550006", "keys": "1"}'
        timestamp = str(int(signed_at.timestamp()))
        signature = sign_callback(self._secret, timestamp, url, body)
        headers = {"x-acme-timestamp": timestamp, "x-acme-signature": signature}
        return SignedRequest(url, headers, body=body)

    def said(self, markup: str) -> list[str]:
        return [step["say"] for step in json.loads(markup)["steps"] if "say" in step]

    def is_answered(self, markup: str) -> bool:
        """Return whether Acme answers a call with this document first."""
        steps = json.loads(markup)["steps"]
        return not steps or steps[0] != {"end": "busy"}

    async def _request(self, method: str, path: str, body: bytes | None = None) -> HttpResponse:
        return await self._transport.request(
            method, f"{self._url}{path}", content=body, credentials=self._credentials
        )


def _parse(response: HttpResponse) -> _Response:
    try:
        return msgspec.json.decode(response.text, type=_Response)
    except (ValueError, RecursionError):
        return _Response()


async def _read(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in chunks:
            yield chunk
    except NoResponse:
        raise CallProviderUnavailable("The recording broke off.") from None


@asynccontextmanager
async def open_acme_voice(*, environ: Mapping[str, str]) -> AsyncIterator[AcmeVoice]:
    """Open the phone line, which keeps connections until the block ends."""
    for variable in _VARIABLES:
        if not environ.get(variable):
            raise ConfigurationError(f"{variable} is not set. Set it as Acme's console shows it.")
    timeouts = Timeouts(read=float(environ.get("ACME_TIMEOUT", "8")))
    async with open_transport(timeouts) as transport:
        yield AcmeVoice(transport, environ)
