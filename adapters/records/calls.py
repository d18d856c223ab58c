"""The stored form of calls. It contains no code and no phone number."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_type_hints

import msgspec

from adapters.records.mapping import Record, RecordMapping
from domain.voice import instructions, walk
from domain.voice.call import Call, PendingEffect, Turn

T = TypeVar("T")


class PositionRecord(msgspec.Struct, gc=False):
    """Where a call waits for an answer."""

    node: str
    visit: int = 1
    repeat: int = 0


class VoiceRecord(msgspec.Struct, gc=False):
    """How a locale sounds."""

    language: str
    name: str = ""


class Tagged(msgspec.Struct, tag_field="kind", gc=False):
    """One of several kinds; each class has its own tag."""


class SayRecord(Tagged, tag="say"):
    """Read a text aloud."""

    text: str
    voice: VoiceRecord


class SayCodeRecord(Tagged, tag="say_code"):
    """Read the code of the call, which is not stored."""

    voice: VoiceRecord


class PauseRecord(Tagged, tag="pause"):
    """Say nothing."""

    seconds: int


class GatherRecord(Tagged, tag="gather", kw_only=True):
    """Wait for a key or speech."""

    prompt: tuple[SayRecord | PauseRecord, ...]
    answer_to: PositionRecord
    voice: VoiceRecord
    hints: tuple[str, ...] = ()
    keys: int = 1
    timeout_seconds: int = 5
    with_speech: bool = True


class DialOperatorRecord(Tagged, tag="dial_operator"):
    """Connect the caller to the operator, whose number is not stored."""

    answer_to: PositionRecord
    timeout_seconds: int
    max_seconds: int


class RecordRecord(Tagged, tag="record"):
    """Record the caller."""

    answer_to: PositionRecord
    max_seconds: int
    silence_seconds: int


class GoToRecord(Tagged, tag="go_to"):
    """Continue at a position."""

    position: PositionRecord


class HangUpRecord(Tagged, tag="hang_up"):
    """End the call."""


class RegisterRecord(Tagged, tag="register"):
    """The caller joins, after this wording was read."""

    consent: str
    language: str


class LeaveRecord(Tagged, tag="leave"):
    """The caller leaves."""


class ExplainLeavingRecord(Tagged, tag="explain_leaving"):
    """A message says how to leave."""


class CallBackRecord(Tagged, tag="call_back"):
    """The caller is called back with a code."""


class ChooseLanguageRecord(Tagged, tag="choose_language"):
    """The caller hears this locale."""

    locale: str


class KeepRecordingRecord(Tagged, tag="keep_recording"):
    """The reference to a recording is kept."""

    recording_id: str
    duration_seconds: int


class TurnRecord(msgspec.Struct, gc=False):
    """A request that was processed, and the instructions of its response."""

    position: PositionRecord | None
    instructions: tuple[
        SayRecord
        | SayCodeRecord
        | PauseRecord
        | GatherRecord
        | DialOperatorRecord
        | RecordRecord
        | GoToRecord
        | HangUpRecord,
        ...,
    ]


class PendingEffectRecord(msgspec.Struct, gc=False):
    """The effect that a request carries out."""

    position: PositionRecord
    effect: (
        RegisterRecord
        | LeaveRecord
        | ExplainLeavingRecord
        | CallBackRecord
        | ChooseLanguageRecord
        | KeepRecordingRecord
    )
    started_at: datetime


class RecordingRecord(msgspec.Struct, gc=False):
    """A recording, by the provider's id."""

    id: str
    duration_seconds: int
    recorded_at: datetime


class CallRecord(Record, kw_only=True):
    """A call."""

    id: str
    direction: Literal["inbound", "outbound"]
    started_at: datetime
    provider_call_id: str | None = None
    status: Literal[
        "queued",
        "ringing",
        "in_progress",
        "completed",
        "busy",
        "no_answer",
        "failed",
        "canceled",
    ]
    ended_at: datetime | None = None
    identity_id: str | None = None
    is_caller_verified: bool = False
    challenge_id: str | None = None
    report_id: str | None = None
    locale: str | None = None
    path: tuple[str, ...] = ()
    outcome: (
        Literal[
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
        | None
    ) = None
    position: PositionRecord | None = None
    turns: tuple[TurnRecord, ...] = ()
    pending_effect: PendingEffectRecord | None = None
    recordings: tuple[RecordingRecord, ...] = ()
    are_recordings_due: bool = False
    oldest_recording_at: datetime | None = None
    unfinished_since: datetime | None = None
    last_request_at: datetime | None = None
    operator_reservation_id: str | None = None


_KINDS: Final[Mapping[type, type[Tagged]]] = {
    instructions.Say: SayRecord,
    instructions.SayCode: SayCodeRecord,
    instructions.Pause: PauseRecord,
    instructions.Gather: GatherRecord,
    instructions.DialOperator: DialOperatorRecord,
    instructions.Record: RecordRecord,
    instructions.GoTo: GoToRecord,
    instructions.HangUp: HangUpRecord,
    walk.Register: RegisterRecord,
    walk.Leave: LeaveRecord,
    walk.ExplainLeaving: ExplainLeavingRecord,
    walk.CallBack: CallBackRecord,
    walk.ChooseLanguage: ChooseLanguageRecord,
    walk.KeepRecording: KeepRecordingRecord,
}
_CLASSES: Final = {record_type: value_type for value_type, record_type in _KINDS.items()}


class CallMapping(RecordMapping[Call, CallRecord]):
    """The mapping of calls. msgspec cannot tell the kinds of instructions apart by itself."""

    def to_record(self, value: Call) -> CallRecord:
        """Return the record of a call."""
        pending = value.pending_effect
        return _copy(
            value,
            CallRecord,
            schema_version=self.schema_version,
            turns=tuple(
                _copy(turn, TurnRecord, instructions=_copy_each(turn.instructions, _KINDS))
                for turn in value.turns
            ),
            pending_effect=pending
            and _copy(pending, PendingEffectRecord, effect=_copy_kind(pending.effect, _KINDS)),
        )

    def to_value(self, record: CallRecord) -> Call:
        """Return the call of a record."""
        pending = record.pending_effect
        return _copy(
            record,
            Call,
            turns=tuple(
                _copy(turn, Turn, instructions=_copy_each(turn.instructions, _CLASSES))
                for turn in record.turns
            ),
            pending_effect=pending
            and _copy(pending, PendingEffect, effect=_copy_kind(pending.effect, _CLASSES)),
        )


def _copy_each(values: Iterable[object], targets: Mapping[type, type]) -> tuple[Any, ...]:
    return tuple(_copy_kind(value, targets) for value in values)


def _copy_kind(value: object, targets: Mapping[type, type]) -> Any:
    prompt = getattr(value, "prompt", None)
    copied = {} if prompt is None else {"prompt": _copy_each(prompt, targets)}
    return _copy(value, targets[type(value)], **copied)


def _copy(source: object, target: type[T], **copied: object) -> T:
    """Return a target with the fields of a source, apart from those that are copied already."""
    others = {
        name: msgspec.convert(getattr(source, name), hint, from_attributes=True)
        for name, hint in _hints_of(target).items()
        if name not in copied
    }
    return target(**others, **copied)


_hints_of: Final[Callable[[Any], Mapping[str, Any]]] = cache(get_type_hints)

CALLS: Final = CallMapping("calls", CallRecord, Call)
