"""A call in which each field has a value other than its default, and each kind of value occurs."""

from datetime import timedelta
from typing import Final

from domain.voice.call import CallStatus, PendingEffect, Turn
from domain.voice.instructions import (
    DialOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    Position,
    Record,
    Say,
    SayCode,
    Voice,
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
from tests.support.builders import NOW, a_call, a_recording, an_id

VOICE: Final = Voice("hi-IN", "Polly.Aditi")
SAY: Final = Say("नमस्ते <&> Zoë", VOICE)
MENU: Final = Position("menu", visit=3, repeat=2)
INSTRUCTIONS: Final = (
    SAY,
    SayCode(VOICE),
    Pause(2),
    SayCode(VOICE),
    Gather(
        prompt=(SAY, Pause(), SAY),
        answer_to=MENU,
        voice=VOICE,
        hints=("हाँ", "yes"),
        keys=2,
        timeout_seconds=7,
        with_speech=False,
    ),
    DialOperator(MENU, timeout_seconds=21, max_seconds=601),
    Record(MENU, max_seconds=61, silence_seconds=6),
    GoTo(MENU),
    HangUp(),
)
EFFECTS: Final[tuple[Effect, ...]] = (
    Register("You agree.", "en-IN"),
    Leave(),
    ExplainLeaving(),
    CallBack(),
    KeepRecording(a_recording().id, 7),
)
FULL_CALL: Final = a_call(
    provider_call_id=f"CA{1:032x}",
    status=CallStatus.IN_PROGRESS,
    ended_at=NOW + timedelta(minutes=3),
    identity_id=an_id(2),
    is_caller_verified=True,
    challenge_id=an_id(3),
    report_id="1f" * 16,
    locale="hi-IN",
    path=("greeting", "menu", "menu"),
    outcome=CallOutcome.RECORDED,
    position=MENU,
    turns=(Turn(None, INSTRUCTIONS), Turn(MENU, ()), Turn(Position("menu"), (HangUp(),))),
    pending_effect=PendingEffect(MENU, EFFECTS[0], NOW + timedelta(minutes=1)),
    recordings=(
        a_recording(recorded_at=NOW + timedelta(minutes=2)),
        a_recording(id=f"RE{2:032x}", duration_seconds=0, recorded_at=NOW + timedelta(minutes=1)),
    ),
    are_recordings_due=True,
)
