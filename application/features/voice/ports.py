"""The ports of the phone line: calls, their provider, and its webhooks."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.otp import DeliveryResult
from application.ports.versioned import DeletableRecords, ExpiringRecords, Versioned
from application.ports.webhooks import SignedRequest
from domain.cursor import Cursor
from domain.features.voice.call import Call, CallStatus, UsedWebhook
from domain.features.voice.instructions import Instruction, Position
from domain.features.voice.step import CallEvent
from domain.otp.delivery import ReportedStatus
from domain.phone import PhoneNumber


class Calls(DeletableRecords[Call], Protocol):
    """Calls by id; in pages; and those that the cleanup handles."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """List up to `limit` calls after the cursor, of an identity or, for None, of everybody.

        They are in order, the newest first: by `started_at`, then by id. The cost does not
        depend on how many calls come before it.
        """
        ...

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls that started at this time or earlier, the oldest first."""
        ...

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls of an identity.

        Raises:
            CorruptRecord: None of them can be read.
        """
        ...

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls whose `oldest_recording_at` is not later, the earliest first."""
        ...

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls whose `unfinished_since` is not later, the earliest first."""
        ...


@dataclass(frozen=True, slots=True)
class VoiceRepositories:
    """The repositories of the phone line."""

    calls: Calls
    used_webhooks: ExpiringRecords[UsedWebhook]


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """An open recording. `size` is in bytes, None if the provider does not say."""

    media_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


class Recordings(Protocol):
    """The recordings of calls, which the provider has.

    Each method, and the wait for each chunk, ends within 30 seconds.
    """

    def open_recording(self, recording_id: str) -> AbstractAsyncContextManager[RecordingFile]:
        """Open a recording as a stream of limited size.

        A stream that breaks off raises, so that a part is never taken for the whole.

        Raises:
            RecordingNotFound
            CallProviderUnavailable: Also while the chunks are read.
        """
        ...

    async def delete_recording(self, recording_id: str) -> None:
        """Delete a recording; do nothing if it does not exist.

        Raises:
            CallProviderUnavailable
        """
        ...


class CallProvider(Recordings, Protocol):
    """Places calls and has the recordings."""

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        """Ring a phone; once it is answered, `url` says what the call does.

        - It ends within 15 seconds, retries included.
        - A failure is a result, not an exception. A call is never placed twice.
        - A result that is `ACCEPTED` has the provider's id of the call. After `UNKNOWN`, it may
          ring.
        """
        ...


class WebhookSignatures(Protocol):
    """Verifies that a request came from the provider, for our account.

    It declares as `SignatureCoverage` what the signature covers besides the body. Without the
    URL, nothing else has to be done for it: the service signs its URLs, and accepts each request
    at one of them only. `WebhookFields.request_id` tells requests apart.
    """

    def verify(self, request: SignedRequest) -> bool:
        """Return whether the request is authentic.

        - A request of another account is not authentic, nor one in which a used field occurs twice.
        - A malformed request is not authentic. No request raises an exception.
        - JSON is verified by its body, and its fields are those of the outermost object.
        - A request whose signed time is more than `MAX_SIGNATURE_AGE` from now is not authentic.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFields:
    """What a provider's request says, in our words.

    Attributes:
        provider_call_id: The provider's id of the call, empty if there is none.
        caller: The phone that calls. It is a claim, and None if it is suppressed or no valid
            number.
        called: The phone that is called, None if it is no valid number.
        event: What happened in the call.
        call_status: Where the call is, if the request says it.
        request_id: A text that repetitions of a request share, and no other request has: an event's
            id, a nonce. The signature covers it. It is used only if the signature does not cover
            the URL. If it is empty, the body is used: then no two requests have the same.
        message_status: Where a message is, if the request says it.
        error_code: The provider's code of an error, empty if there is none.
    """

    provider_call_id: str
    caller: PhoneNumber | None
    called: PhoneNumber | None
    event: CallEvent
    call_status: CallStatus | None
    message_status: ReportedStatus | None
    error_code: str
    request_id: str = ""


class WebhookParser(Protocol):
    """Reads requests that are authentic."""

    def parse(self, request: SignedRequest) -> WebhookFields:
        """Return what the request says. What is missing or invalid is empty; nothing raises.

        A recording is reported once it is complete.
        """
        ...


@dataclass(frozen=True, slots=True)
class Markup:
    """A response to a provider's request."""

    media_type: str
    text: str


class CallMarkup(Protocol):
    """Renders instructions."""

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        """Render instructions as one valid document; any text is escaped.

        - An instruction that waits for an answer or ends the call is the last one; those after it
          are left out. Without one, the call ends after the last instruction.
        - Silence is an answer too, also of a recording.

        Args:
            instructions: What the call does, in this order.
            url_of: The absolute URL where an answer continues.
            recording_status_url: Where the provider reports that a recording is complete.
        """
        ...


class VoiceProvider(CallProvider, WebhookSignatures, WebhookParser, CallMarkup, Protocol):
    """All ports of the phone line in one object: what a factory yields."""


@dataclass(frozen=True, slots=True)
class VoicePorts:
    """The ports of the phone line, all of one provider."""

    calls: CallProvider
    signatures: WebhookSignatures
    parser: WebhookParser
    markup: CallMarkup
