"""Calls and recordings by Twilio."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Final, NoReturn

from adapters.messages.twilio.client import (
    REQUEST_ERRORS,
    InvalidResponse,
    TwilioClient,
    TwilioError,
    check_status,
)
from adapters.messages.twilio.error_codes import (
    ACCOUNT_REASONS,
    INACTIVE,
    NO_SUCH_NUMBER,
    RATE_LIMITED,
    ErrorReasons,
)
from adapters.shared.http import (
    ConnectionFailed,
    Form,
    HttpStream,
    NoResponse,
    Timeouts,
    open_transport,
)
from application.features.voice.ports import RecordingFile
from application.ports.errors import CallProviderUnavailable, ConfigurationError, RecordingNotFound
from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.otp.delivery import MAX_CODE_CALL
from domain.phone import PhoneNumber

CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}")
RECORDING_SID: Final = re.compile(r"RE[0-9a-fA-F]{32}")
RING_SECONDS: Final = "30"
TIME_LIMIT: Final = str(int(MAX_CODE_CALL.total_seconds()))
# https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent
_CALL_EVENTS: Final = ["initiated", "ringing", "answered", "completed"]


class TwilioCallClient(TwilioClient):
    """The client, with the requests about calls."""

    async def create_call(self, to: str, from_: str, url: str, status_url: str) -> str:
        """Create a call, which begins with the TwiML at `url`, and return its SID."""
        form: Form = {
            "To": to,
            "From": from_,
            "Url": url,
            "Method": "POST",
            "StatusCallback": status_url,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": _CALL_EVENTS,
            "Timeout": RING_SECONDS,
            "TimeLimit": TIME_LIMIT,
        }
        call = await self.request("POST", f"{self.account_url}/Calls.json", form)
        if not isinstance(call.sid, str) or CALL_SID.fullmatch(call.sid) is None:
            raise InvalidResponse
        check_status(call)
        return call.sid

    async def delete_recording(self, recording_sid: str) -> None:
        url = f"{self.account_url}/Recordings/{recording_sid}.json"
        # Another server may respond with a success too.
        if (await self.send("DELETE", url)).status != HTTPStatus.NO_CONTENT:
            raise InvalidResponse

    def open_recording(
        self, recording_sid: str, total_seconds: float
    ) -> AbstractAsyncContextManager[HttpStream]:
        return self.transport.open_stream(
            f"{self.account_url}/Recordings/{recording_sid}.mp3",
            credentials=self.credentials,
            total_seconds=total_seconds,
        )


# Operators see the reasons. Only those of an invalid number are for the person too: they say what
# to do.
_CALLS_BLOCKED: Final = "Calls to this number are blocked; use another number."
_NO_CALLS: Final = "Calls do not reach this number; use another number."
_NO_CALLS_TO_REGION: Final = "Calls to this number's region are not enabled."
_NO_CALLING: Final = "The call service does not allow calls from this service's number."

CALLS: Final = ErrorReasons(
    service="call",
    no_response="The call service did not confirm that it placed the call.",
    not_confirmed="The call service did not confirm that it placed the call.",
    rejected="The call service rejected the call.",
    invalid_numbers={
        13223: NO_SUCH_NUMBER,
        13224: _NO_CALLS,
        13225: _CALLS_BLOCKED,
        13227: _NO_CALLS_TO_REGION,
        21201: NO_SUCH_NUMBER,
        21211: NO_SUCH_NUMBER,
        21214: _NO_CALLS,
        21215: _NO_CALLS_TO_REGION,
        21216: _CALLS_BLOCKED,
        21217: NO_SUCH_NUMBER,
    },
    account_errors={
        **ACCOUNT_REASONS,
        10004: RATE_LIMITED,
        10005: INACTIVE,
        21210: _NO_CALLING,
        21212: _NO_CALLING,
        21213: _NO_CALLING,
        21219: "The call service is on trial and calls verified numbers only.",
    },
    rejections={},
)


_NO_VOICE: Final = (
    "The number that calls come from (TWILIO_VOICE_FROM or TWILIO_FROM) cannot call: use a number "
    "of the Twilio account that has the capability Voice."
)
_NOT_CHECKED: Final = (
    "Twilio did not say whether the account has the number: check TWILIO_ACCOUNT_SID and "
    "TWILIO_AUTH_TOKEN, then try again."
)
_NOT_LISTED: Final = "this server is not Twilio and does not say whether it knows the number"
_NOT_OWNED: Final = (
    "it is no active number of the Twilio account: it cannot be called, and calls come from it "
    "only if it is a verified caller ID"
)
_NO_STATUS: Final = (
    "Twilio does not report here when a call to it ends (Call status changes): callers who ask for "
    "a code are called back 15 s after the text; enter the URL below"
)
_ELSEWHERE: Final = "Twilio does not send calls to it here: enter the URLs below"


async def check_caller_id(
    client: TwilioClient, number: str, voice_url: str, status_url: str
) -> str:
    """Return a note or an empty text if calls can come from the number.

    `voice_url` is that of the first request of an inbound call, `status_url` that of its status.

    Raises:
        ConfigurationError: It cannot call, or Twilio does not answer.
    """
    try:
        found = await client.find_number(number)
    except REQUEST_ERRORS as error:
        if isinstance(error, TwilioError) and error.status == HTTPStatus.NOT_FOUND:
            return _NOT_LISTED
        raise ConfigurationError(_NOT_CHECKED) from None
    if found is None:
        return _NOT_OWNED
    if not found.can("voice"):
        raise ConfigurationError(_NO_VOICE)
    if found.voice_url != voice_url:
        return _ELSEWHERE
    return "" if found.status_callback == status_url else _NO_STATUS


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
