"""The stored schema of calls. It has no code and no phone number."""

from datetime import datetime
from typing import ClassVar, Literal

from adapters.mongo.documents.base import (
    NestedValue,
    RecordDocument,
    TaggedValue,
    index,
    only_with,
)


class PositionFields(NestedValue):
    """Where a call waits for an answer."""

    node: str
    visit: int
    repeat: int


class VoiceFields(NestedValue):
    """How a locale sounds."""

    language: str
    name: str


class SayFields(TaggedValue):
    """Read a text aloud."""

    kind: Literal["say"] = "say"
    text: str
    voice: VoiceFields


class SayCodeFields(TaggedValue):
    """Read the code of the call, which is not stored."""

    kind: Literal["say_code"] = "say_code"
    voice: VoiceFields


class PauseFields(TaggedValue):
    """Say nothing."""

    kind: Literal["pause"] = "pause"
    seconds: int


class GatherFields(TaggedValue):
    """Wait for a key or speech."""

    kind: Literal["gather"] = "gather"
    prompt: list[SayFields | PauseFields]
    answer_to: PositionFields
    voice: VoiceFields
    hints: list[str]
    keys: int
    timeout_seconds: int
    with_speech: bool


class DialOperatorFields(TaggedValue):
    """Connect the caller to the operator, whose number is not stored."""

    kind: Literal["dial_operator"] = "dial_operator"
    answer_to: PositionFields
    timeout_seconds: int
    max_seconds: int


class RecordFields(TaggedValue):
    """Record the caller."""

    kind: Literal["record"] = "record"
    answer_to: PositionFields
    max_seconds: int
    silence_seconds: int


class GoToFields(TaggedValue):
    """Continue at a position."""

    kind: Literal["go_to"] = "go_to"
    position: PositionFields


class HangUpFields(TaggedValue):
    """End the call."""

    kind: Literal["hang_up"] = "hang_up"


InstructionFields = (
    SayFields
    | SayCodeFields
    | PauseFields
    | GatherFields
    | DialOperatorFields
    | RecordFields
    | GoToFields
    | HangUpFields
)


class TurnFields(NestedValue):
    """A request that was processed, and the instructions of its response."""

    item_key: ClassVar = ("position",)

    position: PositionFields | None = None
    instructions: list[InstructionFields]


class RegisterFields(TaggedValue):
    """The caller joins, after this wording was read."""

    kind: Literal["register"] = "register"
    consent: str
    language: str


class LeaveFields(TaggedValue):
    """The caller leaves."""

    kind: Literal["leave"] = "leave"


class ExplainLeavingFields(TaggedValue):
    """A message says how to leave."""

    kind: Literal["explain_leaving"] = "explain_leaving"


class CallBackFields(TaggedValue):
    """The caller is called back with a code."""

    kind: Literal["call_back"] = "call_back"


class KeepRecordingFields(TaggedValue):
    """The reference to a recording is kept."""

    kind: Literal["keep_recording"] = "keep_recording"
    recording_id: str
    duration_seconds: int


EffectFields = (
    RegisterFields | LeaveFields | ExplainLeavingFields | CallBackFields | KeepRecordingFields
)


class PendingEffectFields(NestedValue):
    """The effect that a request carries out."""

    position: PositionFields
    effect: EffectFields
    started_at: datetime


class RecordingFields(NestedValue):
    """A recording, by the provider's id."""

    item_key: ClassVar = ("id",)

    id: str
    duration_seconds: int
    recorded_at: datetime


class CallDocument(RecordDocument):
    """A call. `oldest_recording_at` is missing without recordings."""

    provider_call_id: str | None = None
    direction: Literal["inbound", "outbound"]
    started_at: datetime
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
    is_caller_verified: bool
    challenge_id: str | None = None
    report_id: str | None = None
    locale: str | None = None
    path: list[str]
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
    position: PositionFields | None = None
    turns: list[TurnFields]
    pending_effect: PendingEffectFields | None = None
    recordings: list[RecordingFields]
    are_recordings_due: bool
    oldest_recording_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "calls"
        indexes: ClassVar = [
            index("calls_started_at", "started_at", "_id"),
            index(
                "calls_identity_id", "identity_id", "started_at", "_id", **only_with("identity_id")
            ),
            index(
                "calls_oldest_recording_at",
                "oldest_recording_at",
                **only_with("oldest_recording_at"),
            ),
        ]
