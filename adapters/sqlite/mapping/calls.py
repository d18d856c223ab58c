"""The stored form of calls. It contains no code and no phone number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, assert_never

from adapters.sqlite.mapping.call_instructions import (
    StoredInstructionFields,
    StoredPosition,
    instruction_to_domain,
    instruction_to_stored,
    position_to_domain,
    position_to_stored,
)
from adapters.sqlite.record_mapping import RecordMapping, StoredFields
from domain.voice.call import (
    Call,
    CallDirection,
    CallStatus,
    PendingEffect,
    Recording,
    Turn,
)
from domain.voice.walk import (
    CallBack,
    CallOutcome,
    Effect,
    ExplainLeaving,
    KeepRecording,
    Leave,
    Register,
)

DirectionName = Literal["inbound", "outbound"]
StatusName = Literal[
    "queued",
    "ringing",
    "in_progress",
    "completed",
    "busy",
    "no_answer",
    "failed",
    "canceled",
]
OutcomeName = Literal[
    "gave_up",
    "connected",
    "operator_unavailable",
    "joined",
    "left",
    "leaving_explained",
    "callback",
    "callback_rejected",
    "recorded",
    "code_read",
    "code_not_read",
    "failed",
]

_DIRECTIONS: Final[Mapping[DirectionName, CallDirection]] = {
    "inbound": CallDirection.INBOUND,
    "outbound": CallDirection.OUTBOUND,
}
_STATUSES: Final[Mapping[StatusName, CallStatus]] = {
    "queued": CallStatus.QUEUED,
    "ringing": CallStatus.RINGING,
    "in_progress": CallStatus.IN_PROGRESS,
    "completed": CallStatus.COMPLETED,
    "busy": CallStatus.BUSY,
    "no_answer": CallStatus.NO_ANSWER,
    "failed": CallStatus.FAILED,
    "canceled": CallStatus.CANCELED,
}
_OUTCOMES: Final[Mapping[OutcomeName, CallOutcome]] = {
    "gave_up": CallOutcome.GAVE_UP,
    "connected": CallOutcome.CONNECTED,
    "operator_unavailable": CallOutcome.OPERATOR_UNAVAILABLE,
    "joined": CallOutcome.JOINED,
    "left": CallOutcome.LEFT,
    "leaving_explained": CallOutcome.LEAVING_EXPLAINED,
    "callback": CallOutcome.CALLBACK,
    "callback_rejected": CallOutcome.CALLBACK_REJECTED,
    "recorded": CallOutcome.RECORDED,
    "code_read": CallOutcome.CODE_READ,
    "code_not_read": CallOutcome.CODE_NOT_READ,
    "failed": CallOutcome.FAILED,
}
_DIRECTION_NAMES: Final = {direction: name for name, direction in _DIRECTIONS.items()}
_STATUS_NAMES: Final = {status: name for name, status in _STATUSES.items()}
_OUTCOME_NAMES: Final = {outcome: name for name, outcome in _OUTCOMES.items()}


class StoredTurn(StoredFields):
    """A request that was processed, and the instructions of its response."""

    position: StoredPosition | None
    instructions: tuple[StoredInstructionFields, ...]


class StoredRegister(StoredFields, tag_field="kind", tag="register"):
    """The caller joins, after this wording was read."""

    consent: str
    language: str


class StoredLeave(StoredFields, tag_field="kind", tag="leave"):
    """The caller leaves."""


class StoredExplainLeaving(StoredFields, tag_field="kind", tag="explain_leaving"):
    """A message says how to leave."""


class StoredCallBack(StoredFields, tag_field="kind", tag="call_back"):
    """The caller is called back with a code."""


class StoredKeepRecording(StoredFields, tag_field="kind", tag="keep_recording"):
    """The reference to a recording is kept."""

    recording_id: str
    duration_seconds: int


StoredEffect = (
    StoredRegister | StoredLeave | StoredExplainLeaving | StoredCallBack | StoredKeepRecording
)


class StoredPendingEffect(StoredFields):
    """The effect that a request carries out."""

    position: StoredPosition
    effect: StoredEffect
    started_at: datetime


class StoredRecording(StoredFields):
    """A recording, by the provider's id."""

    id: str
    duration_seconds: int
    recorded_at: datetime


class StoredCall(StoredFields):
    """The body in table `calls`."""

    id: str
    direction: DirectionName
    started_at: datetime
    provider_call_id: str | None = None
    status: StatusName = "queued"
    ended_at: datetime | None = None
    identity_id: str | None = None
    is_caller_verified: bool = False
    challenge_id: str | None = None
    report_id: str | None = None
    locale: str | None = None
    path: tuple[str, ...] = ()
    outcome: OutcomeName | None = None
    position: StoredPosition | None = None
    turns: tuple[StoredTurn, ...] = ()
    pending_effect: StoredPendingEffect | None = None
    recordings: tuple[StoredRecording, ...] = ()
    are_recordings_due: bool = False


class CallMapping(RecordMapping[Call, StoredCall]):
    """Maps calls."""

    stored_type: type[StoredCall] = StoredCall

    def to_stored(self, value: Call) -> StoredCall:
        """Return the stored form of a call."""
        position, pending = value.position, value.pending_effect
        return StoredCall(
            id=value.id,
            direction=_DIRECTION_NAMES[value.direction],
            started_at=value.started_at,
            provider_call_id=value.provider_call_id,
            status=_STATUS_NAMES[value.status],
            ended_at=value.ended_at,
            identity_id=value.identity_id,
            is_caller_verified=value.is_caller_verified,
            challenge_id=value.challenge_id,
            report_id=value.report_id,
            locale=value.locale,
            path=value.path,
            outcome=None if value.outcome is None else _OUTCOME_NAMES[value.outcome],
            position=None if position is None else position_to_stored(position),
            turns=tuple([_turn_to_stored(turn) for turn in value.turns]),
            pending_effect=None if pending is None else _pending_to_stored(pending),
            recordings=tuple(
                [
                    StoredRecording(
                        id=recording.id,
                        duration_seconds=recording.duration_seconds,
                        recorded_at=recording.recorded_at,
                    )
                    for recording in value.recordings
                ]
            ),
            are_recordings_due=value.are_recordings_due,
        )

    def to_domain(self, stored: StoredCall) -> Call:
        """Return the call of a stored form."""
        position, pending = stored.position, stored.pending_effect
        return Call(
            id=stored.id,
            direction=_DIRECTIONS[stored.direction],
            started_at=stored.started_at,
            provider_call_id=stored.provider_call_id,
            status=_STATUSES[stored.status],
            ended_at=stored.ended_at,
            identity_id=stored.identity_id,
            is_caller_verified=stored.is_caller_verified,
            challenge_id=stored.challenge_id,
            report_id=stored.report_id,
            locale=stored.locale,
            path=stored.path,
            outcome=None if stored.outcome is None else _OUTCOMES[stored.outcome],
            position=None if position is None else position_to_domain(position),
            turns=tuple([_turn_to_domain(turn) for turn in stored.turns]),
            pending_effect=None if pending is None else _pending_to_domain(pending),
            recordings=tuple(
                [
                    Recording(recording.id, recording.duration_seconds, recording.recorded_at)
                    for recording in stored.recordings
                ]
            ),
            are_recordings_due=stored.are_recordings_due,
        )


def _turn_to_stored(turn: Turn) -> StoredTurn:
    return StoredTurn(
        position=None if turn.position is None else position_to_stored(turn.position),
        instructions=tuple([instruction_to_stored(said) for said in turn.instructions]),
    )


def _turn_to_domain(turn: StoredTurn) -> Turn:
    return Turn(
        position=None if turn.position is None else position_to_domain(turn.position),
        instructions=tuple([instruction_to_domain(said) for said in turn.instructions]),
    )


def _pending_to_stored(pending: PendingEffect) -> StoredPendingEffect:
    return StoredPendingEffect(
        position=position_to_stored(pending.position),
        effect=_effect_to_stored(pending.effect),
        started_at=pending.started_at,
    )


def _pending_to_domain(pending: StoredPendingEffect) -> PendingEffect:
    return PendingEffect(
        position=position_to_domain(pending.position),
        effect=_effect_to_domain(pending.effect),
        started_at=pending.started_at,
    )


def _effect_to_stored(effect: Effect) -> StoredEffect:
    match effect:
        case Register():
            return StoredRegister(consent=effect.consent, language=effect.language)
        case Leave():
            return StoredLeave()
        case ExplainLeaving():
            return StoredExplainLeaving()
        case CallBack():
            return StoredCallBack()
        case KeepRecording():
            return StoredKeepRecording(
                recording_id=effect.recording_id, duration_seconds=effect.duration_seconds
            )
        case _:
            assert_never(effect)


def _effect_to_domain(effect: StoredEffect) -> Effect:
    match effect:
        case StoredRegister():
            return Register(effect.consent, effect.language)
        case StoredLeave():
            return Leave()
        case StoredExplainLeaving():
            return ExplainLeaving()
        case StoredCallBack():
            return CallBack()
        case StoredKeepRecording():
            return KeepRecording(effect.recording_id, effect.duration_seconds)
        case _:
            assert_never(effect)
