"""Calls and recordings by Twilio."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final, NoReturn

from adapters.messages.twilio.client import REQUEST_ERRORS, TwilioError
from adapters.messages.twilio.voice.caller_id_check import check_caller_id
from adapters.messages.twilio.voice.client import RECORDING_SID, TwilioCallClient
from adapters.messages.twilio.voice.error_codes import CALLS
from adapters.shared.http import ConnectionFailed, NoResponse, Timeouts, open_transport
from application.features.voice.ports import RecordingFile
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.phone import PhoneNumber

MAX_RECORDING_SIZE: Final = 64 * 1024 * 1024
"""Bytes: an hour of WAV, the longest recording of Twilio, has 57 MB. MP3 has less."""
RECORDING_TIMEOUT: Final = 600.0
"""Seconds for a whole recording."""
_NOT_FOUND: Final = (404, 410)
_NOT_REACHED_TEXT: Final = "Twilio cannot be reached."
_NO_RESPONSE: Final = "Twilio did not respond."
_NOT_TWILIO: Final = "The response is not from Twilio."


class TwilioCalls:
    """Place calls by Twilio; a call is never placed twice.

    Twilio has no idempotency key, so a call is not retried. There is no failover either: a second
    provider would need webhooks of its own.
    """

    def __init__(self, client: TwilioCallClient, caller_id: str) -> None:
        """Call from a number in E.164."""
        self._client = client
        self._caller_id = caller_id

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        try:
            call_sid = await self._client.create_call(phone.e164, self._caller_id, url, status_url)
        except REQUEST_ERRORS as error:
            return CALLS.result(error)
        return DeliveryResult(DeliveryStatus.ACCEPTED, provider_call_id=call_sid)

    @asynccontextmanager
    async def open_recording(self, recording_id: str) -> AsyncIterator[RecordingFile]:
        if not RECORDING_SID.fullmatch(recording_id):
            raise RecordingNotFound
        try:
            async with self._client.open_recording(recording_id, RECORDING_TIMEOUT) as stream:
                if stream.status in _NOT_FOUND:
                    raise RecordingNotFound
                if stream.status != 200:
                    _raise_unavailable(TwilioError(stream.status, None))
                if not stream.media_type.startswith("audio/"):
                    raise CallProviderUnavailable(_NOT_TWILIO)
                if stream.size is not None and stream.size > MAX_RECORDING_SIZE:
                    raise CallProviderUnavailable("The recording is too large.")
                async with aclosing(_limit(stream.chunks)) as chunks:
                    yield RecordingFile(stream.media_type, stream.size, chunks)
        except (ConnectionFailed, NoResponse) as error:
            _raise_unavailable(error)

    async def delete_recording(self, recording_id: str) -> None:
        if not RECORDING_SID.fullmatch(recording_id):
            return
        try:
            await self._client.delete_recording(recording_id)
        except REQUEST_ERRORS as error:
            if not isinstance(error, TwilioError) or error.status not in _NOT_FOUND:
                _raise_unavailable(error)

    async def check_caller_id(self, voice_url: str, status_url: str) -> str:
        return await check_caller_id(self._client, self._caller_id, voice_url, status_url)


@asynccontextmanager
async def open_twilio_calls(
    account_sid: str,
    auth_token: str,
    *,
    caller_id: str,
    api_base: str | None = None,
    timeouts: Timeouts | None = None,
) -> AsyncIterator[TwilioCalls]:
    """Open the calls, without a request. They keep connections until the block ends.

    `api_base` is the URL of a server to use instead of Twilio.
    """
    async with open_transport(timeouts or Timeouts()) as transport:
        client = TwilioCallClient(account_sid, auth_token, api_base, transport)
        yield TwilioCalls(client, caller_id)


async def _limit(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    size = 0
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_RECORDING_SIZE:
                raise CallProviderUnavailable("The recording is too large.")
            yield chunk
    except NoResponse as error:
        raise CallProviderUnavailable("The recording broke off.", error.details) from None


def _raise_unavailable(error: Exception) -> NoReturn:
    details = ""
    match error:
        case ConnectionFailed(reason=cause, details=details):
            reason = f"{_NOT_REACHED_TEXT} ({cause})"
        case NoResponse(details=details):
            reason = _NO_RESPONSE
        case TwilioError(status=status, code=code):
            reason = f"Twilio rejected the request: status {status}, error code {code or 'none'}."
        case _:
            reason = _NOT_TWILIO
    raise CallProviderUnavailable(reason, details) from None
