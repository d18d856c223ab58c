"""What happened in a call, and what the call does next."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.features.voice.call_texts import KEYS, SpokenLocale, Text
from domain.features.voice.instructions import (
    DialLineOperator,
    Gather,
    HangUp,
    Pause,
    Position,
    SayCode,
    StoredInstruction,
)
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class ClaimedCaller:
    """What a call claims about the caller. Nothing proves that the owner is calling.

    Attributes:
        phone: The caller id; None if it is not valid.
        locale: The tag of the locale that was chosen in a call of this number.
    """

    phone: PhoneNumber | None = None
    identity_id: str | None = None
    is_verified: bool = False
    locale: str | None = None

    @property
    def country(self) -> str | None:
        return self.phone.country if self.phone else None


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a menu. Both texts are empty after silence."""

    keys: str = ""
    speech: str = ""

    @property
    def is_silence(self) -> bool:
        return not self.keys and not self.speech.strip()


class DialResult(StrEnum):
    """How a call to the line operator ended."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Dialed:
    """The call to the line operator ended."""

    result: DialResult


@dataclass(frozen=True, slots=True)
class Recorded:
    """The caller left a recording."""

    recording_id: str
    duration_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Continued:
    """The call came here by itself: a text ended, or nothing was recorded."""


CallEvent = Answered | Dialed | Recorded | Continued


@dataclass(frozen=True, slots=True)
class Register:
    """Make the caller's phone an unverified identity that agreed to this wording.

    It is done if there is an identity now.
    """

    consent: str
    language: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Delete the unverified identity of the caller's phone.

    It is done if no identity is left. A verified one is not changed.
    """


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    """Speak this locale from now on, also in the next call of the caller's phone."""

    locale: str


Effect = Register | Leave | ChooseLanguage


class CallOutcome(StrEnum):
    """What a call came to; the last one counts."""

    GAVE_UP = "gave_up"
    CONNECTED = "connected"
    OPERATOR_UNAVAILABLE = "operator_unavailable"
    JOINED = "joined"
    LEFT = "left"
    LEAVING_EXPLAINED = "leaving_explained"
    RECORDED = "recorded"
    CODE_READ = "code_read"
    CODE_NOT_READ = "code_not_read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """What a call does next.

    Attributes:
        instructions: What the provider does. Empty if there is an effect.
        position: Where the call waits for the next event; None if the call ends.
        effect: What the use case does first. `finish_effect` says how the call goes on.
    """

    instructions: tuple[StoredInstruction, ...]
    position: Position | None
    path: tuple[str, ...] = ()
    effect: Effect | None = None
    outcome: CallOutcome | None = None

    @property
    def dials(self) -> bool:
        """Whether it connects the caller to the line operator."""
        return any(isinstance(part, DialLineOperator) for part in self.instructions)


CODE_STATE: Final = "code"


def start_code_call(locale: SpokenLocale, greeting: Text = Text.CODE_GREETING) -> Step:
    """Say who is calling, and wait for a key. A voicemail presses none."""
    position = Position(CODE_STATE)
    said = locale.say(greeting)
    gather = Gather(
        prompt=(said, Pause(2), said),
        answer_to=position,
        voice=locale.voice,
        timeout_seconds=10,
        with_speech=False,
    )
    return Step((gather,), position, (CODE_STATE,))


def read_code(
    locale: SpokenLocale, event: CallEvent, introduction: Text = Text.CODE_INTRODUCTION
) -> Step:
    """Read the code twice after any key; without a key, end the call and say nothing."""
    if not isinstance(event, Answered) or not event.keys or not set(event.keys) <= set(KEYS):
        return hang_up()
    instructions = (
        locale.say(introduction),
        Pause(),
        SayCode(locale.voice),
        locale.say(Text.CODE_REPETITION),
        Pause(),
        SayCode(locale.voice),
        HangUp(),
    )
    return Step(instructions, None, outcome=CallOutcome.CODE_READ)


def hang_up() -> Step:
    """End the call and say nothing."""
    return Step((HangUp(),), None, outcome=CallOutcome.CODE_NOT_READ)
