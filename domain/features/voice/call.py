"""A call of the phone line, as the call log has it."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import DomainError
from domain.features.voice.instructions import Position, StoredInstruction
from domain.features.voice.step import CallOutcome, Recorded, Step
from domain.identifier import require_identifier


class CallNotFound(DomainError):
    """There is no call with this id, or no longer."""


class CallRecordingNotFound(DomainError):
    """The call has no such recording, or no longer."""


EFFECT_TIMEOUT: Final = timedelta(seconds=30)
"""Maximum time of a request that carries out an effect."""
MAX_SILENCE: Final = timedelta(hours=5)
"""A call without a request in this time has ended: no provider connects phones for longer."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


MAX_PROVIDER_ID_LENGTH: Final = 200
"""Visible ASCII characters of a provider's id of a call or recording."""
_PROVIDER_ID: Final = re.compile(rf"[!-~]{{1,{MAX_PROVIDER_ID_LENGTH}}}")


class CallDirection(StrEnum):
    """Who called."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallStatus(StrEnum):
    """Where a call is, in order. It never goes back, and a final status stays."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return self not in (CallStatus.QUEUED, CallStatus.RINGING, CallStatus.IN_PROGRESS)

    def follows(self, earlier: "CallStatus") -> bool:
        in_order = [*CallStatus]
        return not earlier.is_final and in_order.index(self) > in_order.index(earlier)


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that was processed: its position, and the instructions of its response.

    The first request of a call has no position.
    """

    position: Position | None
    instructions: tuple[StoredInstruction, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, by the provider's id."""

    id: str
    duration_seconds: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A phone call. A consistency boundary.

    - It contains no code and no phone number.
    - It counts as the call of a verified caller only if the caller proved it: an inbound call never
      does.

    Attributes:
        provider_call_id: The provider's id; None until the provider has reported it.
        identity_id: The identity of the phone, if there is one. It may be another person who calls.
        challenge_id: The challenge whose code an outbound call reads.
        report_id: The report of the delivery that an outbound call is, if there is one.
        locale: The locale that the request for an outbound call named, or that the caller of an
            inbound call chose in it or before, if any.
        position: Where it waits for an event; None before the first and after the last.
        effect_started_at: When a request began to carry out an effect; None after its end.
        are_recordings_due: Whether they are to be deleted at once.
        line_acquired_at: When it got the line on which it talks to the line operator.
        last_request_at: When the provider last asked what it does next.
    """

    id: str
    direction: CallDirection
    started_at: datetime
    provider_call_id: str | None = None
    status: CallStatus = CallStatus.QUEUED
    ended_at: datetime | None = None
    identity_id: str | None = None
    is_caller_verified: bool = False
    challenge_id: str | None = None
    report_id: str | None = None
    locale: str | None = None
    path: tuple[str, ...] = ()
    outcome: CallOutcome | None = None
    position: Position | None = None
    turns: tuple[Turn, ...] = ()
    effect_started_at: datetime | None = None
    recordings: tuple[Recording, ...] = ()
    are_recordings_due: bool = False
    line_acquired_at: datetime | None = None
    last_request_at: datetime | None = None

    def __post_init__(self) -> None:
        require_identifier(self.id)
        if self.identity_id is not None:
            require_identifier(self.identity_id)

    @property
    def unfinished_since(self) -> datetime | None:
        """When it last showed that it goes on; None after its end."""
        return None if self.status.is_final else self.last_request_at or self.started_at

    @property
    def oldest_recording_at(self) -> datetime | None:
        """When its oldest recording was made; long ago if they are due, None without any."""
        if self.recordings and self.are_recordings_due:
            return _LONG_AGO
        return min((recording.recorded_at for recording in self.recordings), default=None)

    @property
    def duration(self) -> timedelta | None:
        return max(self.ended_at - self.started_at, timedelta()) if self.ended_at else None

    @property
    def has_read_code(self) -> bool:
        return self.outcome is CallOutcome.CODE_READ

    def find_turn(self, position: Position | None) -> Turn | None:
        return next((turn for turn in self.turns if turn.position == position), None)

    def advance_status(self, status: CallStatus, now: datetime) -> "Call":
        """Return the call with this status, or unchanged if the status does not follow."""
        if not status.follows(self.status):
            return self
        if not status.is_final:
            return replace(self, status=status)
        return replace(self, status=status, ended_at=now, line_acquired_at=None)

    def end_without_status(self) -> "Call":
        """Return the call whose last status was lost. It ended after its last request."""
        was_answered = self.status is CallStatus.IN_PROGRESS
        status = CallStatus.COMPLETED if was_answered else CallStatus.NO_ANSWER
        return replace(self, status=status, ended_at=self.unfinished_since, line_acquired_at=None)

    def set_provider_call_id(self, provider_call_id: str) -> "Call":
        """Return the call with the provider's id. The first stays, too long ones are ignored."""
        if not is_provider_id(provider_call_id):
            return self
        return replace(self, provider_call_id=self.provider_call_id or provider_call_id)

    def may_have_provider_call_id(self, provider_call_id: str) -> bool:
        """Return whether a request with this id can be about the call."""
        return self.provider_call_id in (None, provider_call_id)

    def is_effect_pending(self, now: datetime) -> bool:
        """Return whether a request carries out an effect, and has not failed yet."""
        return self.effect_started_at is not None and now - self.effect_started_at < EFFECT_TIMEOUT

    def complete(
        self,
        position: Position | None,
        step: Step,
        *,
        now: datetime,
        line_acquired_at: datetime | None = None,
        locale: str | None = None,
        identity_id: str | None = None,
    ) -> "Call":
        """Return the call after a request at this position, which is None for the first one.

        `line_acquired_at` is set if it calls the line operator now, `locale` if one was chosen, and
        `identity_id` if the caller joined.
        """
        if self.find_turn(position):
            return self
        return replace(
            self,
            path=(*self.path, *step.path),
            outcome=step.outcome or self.outcome,
            position=step.position,
            turns=(*self.turns, Turn(position, step.instructions)),
            effect_started_at=None,
            last_request_at=now,
            line_acquired_at=None if self.status.is_final else line_acquired_at,
            locale=locale or self.locale,
            identity_id=identity_id or self.identity_id,
        )

    def keep_recording(self, recorded: Recorded, now: datetime) -> "Call":
        """Return the call with the reference to a recording. It is kept once."""
        if any(recording.id == recorded.recording_id for recording in self.recordings):
            return self
        recording = Recording(recorded.recording_id, recorded.duration_seconds, now)
        return replace(self, recordings=(*self.recordings, recording))

    def due_recordings(self, before: datetime) -> tuple[Recording, ...]:
        """Return the recordings to delete: those made at this time or earlier, or all of them."""
        return tuple(
            recording
            for recording in self.recordings
            if self.are_recordings_due or recording.recorded_at <= before
        )

    def forget_identity(self) -> "Call":
        return replace(self, identity_id=None, is_caller_verified=False, are_recordings_due=True)

    def verify_caller(self, identity_id: str) -> "Call":
        """Return the call after the code that it read opened a session of this identity."""
        if not self.has_read_code:
            return self
        return replace(self, identity_id=identity_id, is_caller_verified=True)

    def remove_recording(self, recording_id: str) -> "Call":
        kept = tuple(recording for recording in self.recordings if recording.id != recording_id)
        return replace(self, recordings=kept)


def is_provider_id(text: str) -> bool:
    """Return whether a text may be the provider's id of a call or a recording."""
    return bool(_PROVIDER_ID.fullmatch(text))


def inbound_call_id(provider_call_id: str) -> str:
    """Return our id of an inbound call: 24 hex digits, the same for each of its requests."""
    return hashlib.sha256(provider_call_id.encode()).hexdigest()[:24]


USED_WEBHOOK_TTL: Final = timedelta(days=1)
"""How long it is kept: longer than any call, and than a provider repeats its requests."""


@dataclass(frozen=True, slots=True)
class UsedWebhook:
    """A request that came.

    Attributes:
        id: A keyed hash of what tells it from others, which may have a phone number.
    """

    id: str
    url_hash: str
    expires_at: datetime
