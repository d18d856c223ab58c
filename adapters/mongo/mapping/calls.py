"""The mapping of calls."""

from typing import Final, assert_never

from adapters.mongo.documents.calls import (
    CallDocument,
    EffectFields,
    PendingEffectFields,
    RecordingFields,
    TurnFields,
)
from adapters.mongo.driver import RawDocument
from adapters.mongo.mapping.call_instructions import (
    decode_instruction,
    decode_position,
    encode_instruction,
    encode_position,
)
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

STORED_DIRECTIONS: Final = {
    CallDirection.INBOUND: "inbound",
    CallDirection.OUTBOUND: "outbound",
}
STORED_STATUSES: Final = {
    CallStatus.QUEUED: "queued",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "in_progress",
    CallStatus.COMPLETED: "completed",
    CallStatus.BUSY: "busy",
    CallStatus.NO_ANSWER: "no_answer",
    CallStatus.FAILED: "failed",
    CallStatus.CANCELED: "canceled",
}
STORED_OUTCOMES: Final = {
    CallOutcome.GAVE_UP: "gave_up",
    CallOutcome.CONNECTED: "connected",
    CallOutcome.OPERATOR_UNAVAILABLE: "operator_unavailable",
    CallOutcome.JOINED: "joined",
    CallOutcome.LEFT: "left",
    CallOutcome.LEAVING_EXPLAINED: "leaving_explained",
    CallOutcome.CALLBACK: "callback",
    CallOutcome.CALLBACK_REJECTED: "callback_rejected",
    CallOutcome.RECORDED: "recorded",
    CallOutcome.CODE_READ: "code_read",
    CallOutcome.CODE_NOT_READ: "code_not_read",
    CallOutcome.FAILED: "failed",
}

_DIRECTIONS: Final = {stored: direction for direction, stored in STORED_DIRECTIONS.items()}
_STATUSES: Final = {stored: status for status, stored in STORED_STATUSES.items()}
_OUTCOMES: Final = {stored: outcome for outcome, stored in STORED_OUTCOMES.items()}


def decode_call(stored: CallDocument) -> Call:
    """Make a call from its document."""
    position, pending = stored.position, stored.pending_effect
    return Call(
        id=stored.id,
        provider_call_id=stored.provider_call_id,
        direction=_DIRECTIONS[stored.direction],
        started_at=stored.started_at,
        status=_STATUSES[stored.status],
        ended_at=stored.ended_at,
        identity_id=stored.identity_id,
        is_caller_verified=stored.is_caller_verified,
        challenge_id=stored.challenge_id,
        report_id=stored.report_id,
        locale=stored.locale,
        path=tuple(stored.path),
        outcome=None if stored.outcome is None else _OUTCOMES[stored.outcome],
        position=None if position is None else decode_position(position),
        turns=tuple(map(_decode_turn, stored.turns)),
        pending_effect=None if pending is None else _decode_pending(pending),
        recordings=tuple(map(_decode_recording, stored.recordings)),
        are_recordings_due=stored.are_recordings_due,
    )


def encode_call(call: Call) -> RawDocument:
    """Return the fields of a call."""
    position, pending = call.position, call.pending_effect
    return {
        "_id": call.id,
        "provider_call_id": call.provider_call_id,
        "direction": STORED_DIRECTIONS[call.direction],
        "started_at": call.started_at,
        "status": STORED_STATUSES[call.status],
        "ended_at": call.ended_at,
        "identity_id": call.identity_id,
        "is_caller_verified": call.is_caller_verified,
        "challenge_id": call.challenge_id,
        "report_id": call.report_id,
        "locale": call.locale,
        "path": [*call.path],
        "outcome": None if call.outcome is None else STORED_OUTCOMES[call.outcome],
        "position": None if position is None else encode_position(position),
        "turns": [_encode_turn(turn) for turn in call.turns],
        "pending_effect": None if pending is None else _encode_pending(pending),
        "recordings": [_encode_recording(recording) for recording in call.recordings],
        "are_recordings_due": call.are_recordings_due,
        "oldest_recording_at": call.oldest_recording_at,
    }


def _decode_turn(stored: TurnFields) -> Turn:
    return Turn(
        position=None if stored.position is None else decode_position(stored.position),
        instructions=tuple(map(decode_instruction, stored.instructions)),
    )


def _encode_turn(turn: Turn) -> RawDocument:
    return {
        "position": None if turn.position is None else encode_position(turn.position),
        "instructions": [encode_instruction(instruction) for instruction in turn.instructions],
    }


def _decode_recording(stored: RecordingFields) -> Recording:
    return Recording(stored.id, stored.duration_seconds, stored.recorded_at)


def _encode_recording(recording: Recording) -> RawDocument:
    return {
        "id": recording.id,
        "duration_seconds": recording.duration_seconds,
        "recorded_at": recording.recorded_at,
    }


def _decode_pending(stored: PendingEffectFields) -> PendingEffect:
    return PendingEffect(
        position=decode_position(stored.position),
        effect=_decode_effect(stored.effect),
        started_at=stored.started_at,
    )


def _encode_pending(pending: PendingEffect) -> RawDocument:
    return {
        "position": encode_position(pending.position),
        "effect": _encode_effect(pending.effect),
        "started_at": pending.started_at,
    }


def _decode_effect(stored: EffectFields) -> Effect:
    match stored.kind:
        case "register":
            return Register(stored.consent, stored.language)
        case "leave":
            return Leave()
        case "explain_leaving":
            return ExplainLeaving()
        case "call_back":
            return CallBack()
        case "keep_recording":
            return KeepRecording(stored.recording_id, stored.duration_seconds)
        case _:
            assert_never(stored.kind)


def _encode_effect(effect: Effect) -> RawDocument:
    match effect:
        case Register():
            return {"kind": "register", "consent": effect.consent, "language": effect.language}
        case Leave():
            return {"kind": "leave"}
        case ExplainLeaving():
            return {"kind": "explain_leaving"}
        case CallBack():
            return {"kind": "call_back"}
        case KeepRecording():
            return {
                "kind": "keep_recording",
                "recording_id": effect.recording_id,
                "duration_seconds": effect.duration_seconds,
            }
        case _:
            assert_never(effect)
