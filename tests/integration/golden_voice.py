"""What the golden files contain of the phone line; never to be changed.

Every field has a value that is not its default, and each kind of value occurs.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from domain.identities.identity import Consent, Identity
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.callback import Callback
from domain.otp.challenge import Challenge, Login, Purpose
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_report import DeliveryReport, ReportedStatus
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from domain.voice.call import (
    Call,
    CallDirection,
    CallStatus,
    PendingEffect,
    Recording,
    Turn,
)
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
from tests.support.builders import a_hashed_ip

START: Final = datetime(2026, 5, 1, 9, 30, 0, 123_000, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)

JOINED_PHONE: Final = PhoneNumber("+14155552675")
JOINED: Final = Identity(
    id="69f472080000000000000006",
    phone=JOINED_PHONE,
    created_at=START,
    is_verified=False,
    consent=Consent("You agree, Zoë.", "en-IN", START + MINUTE),
)
CALLED_BACK: Final = PhoneVerification(
    deliveries=(
        Delivery(
            request_id="a3f1c2d4e5b60718293a4b5c6d7e8f90",
            challenge_id="69f4720800000000000000c4",
            client_ip=a_hashed_ip("203.0.113.9"),
            sent_at=START,
            channel=Channel.VOICE,
            call_id="69f472080000000000000081",
        ),
    ),
    identity_id=JOINED.id,
    callbacks=(
        Callback(
            challenge=Challenge(
                id="69f4720800000000000000c5",
                purpose=Purpose.SIGN_IN,
                nonce=bytes.fromhex("000102030405060708090a0b0c0d0e0f"),
                key_id="pepper-2",
                created_at=START,
                expires_at=START + 5 * MINUTE,
                used_at=START + MINUTE,
                login=Login(JOINED.id, "69f4720800000000000000a4"),
            ),
            requested_at=START,
            call_id="69f472080000000000000082",
            counter=AttemptCounter(
                CounterKind.CALLBACK,
                "69f472080000000000000082",
                limit=5,
                used=2,
                last_digest="a digest",
                last_counted_at=START + MINUTE,
            ),
        ),
    ),
)

_VOICE: Final = Voice("hi-IN", "Polly.Aditi")
_SAY: Final = Say("नमस्ते, Zoë", _VOICE)
_MENU: Final = Position("menu", visit=3, repeat=2)
INBOUND: Final = Call(
    id="69f472080000000000000083",
    direction=CallDirection.INBOUND,
    started_at=START,
    provider_call_id="CA000102030405060708090a0b0c0d0e0f",
    status=CallStatus.COMPLETED,
    ended_at=START + 3 * MINUTE,
    identity_id=JOINED.id,
    path=("greeting", "menu", "feedback"),
    outcome=CallOutcome.RECORDED,
    turns=(
        Turn(
            None,
            (
                _SAY,
                Pause(2),
                Gather(
                    prompt=(_SAY, Pause()),
                    answer_to=_MENU,
                    voice=_VOICE,
                    hints=("हाँ", "yes"),
                    keys=2,
                    timeout_seconds=7,
                    with_speech=False,
                ),
            ),
        ),
        Turn(
            _MENU,
            (
                DialOperator(_MENU, timeout_seconds=21, max_seconds=601),
                Record(_MENU, max_seconds=61, silence_seconds=6),
                GoTo(_MENU),
                HangUp(),
            ),
        ),
    ),
    recordings=(Recording("RE000102030405060708090a0b0c0d0e0f", 7, START + 2 * MINUTE),),
)
OUTBOUND: Final = Call(
    id="69f472080000000000000084",
    direction=CallDirection.OUTBOUND,
    started_at=START + MINUTE,
    status=CallStatus.IN_PROGRESS,
    identity_id=JOINED.id,
    is_caller_verified=True,
    challenge_id="69f4720800000000000000c4",
    report_id="00112233445566778899aabbccddeeff",
    locale="hi-IN",
    outcome=CallOutcome.CODE_READ,
    position=_MENU,
    turns=(Turn(Position("code"), (SayCode(_VOICE), HangUp())),),
)
_EFFECTS: Final[tuple[Effect, ...]] = (
    Register("You agree, Zoë.", "en-IN"),
    Leave(),
    ExplainLeaving(),
    CallBack(),
    KeepRecording("RE0f0e0d0c0b0a09080706050403020100", 8),
)
WITH_EFFECTS: Final = tuple(
    Call(
        id=f"69f4720800000000000000{0x90 + number:x}",
        direction=CallDirection.INBOUND,
        started_at=START + (2 + number) * MINUTE,
        pending_effect=PendingEffect(_MENU, effect, START + MINUTE),
        are_recordings_due=True,
    )
    for number, effect in enumerate(_EFFECTS)
)
CALLS: Final = (INBOUND, OUTBOUND, *WITH_EFFECTS)

REPORT: Final = DeliveryReport(
    id="00112233445566778899aabbccddeeff",
    status=ReportedStatus.UNDELIVERED,
    expires_at=START + timedelta(days=1),
    error_code="30003",
    visible_at=START + MINUTE,
)
