"""What a call does next, in terms of any telephony provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow

MAX_SPEECH_HINTS: Final = 500
DIAL_TIMEOUT_SECONDS: Final = 20
"""How long the phone of the line operator rings."""
MAX_DIAL_SECONDS: Final = 3600
"""The longest talk with the line operator."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a call waits for an answer.

    Answers of the caller name the position that they belong to, so that each takes effect once.

    Attributes:
        visit: The number of the wait in this call, counted from 1. No two waits have the same.
        repeat: How often the menu was repeated since the call came to it.
    """

    state: str
    visit: int = 1
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Voice:
    """How a locale sounds: a language tag such as `en-US`, and the name of a provider's voice.

    An empty name is the default voice of the language.
    """

    language: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Read a text aloud."""

    text: str
    voice: Voice


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for some whole seconds."""

    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    """Say the prompt and wait for one key or speech. Silence is an answer too.

    Attributes:
        prompt: What is said meanwhile. A key interrupts it.
        voice: The language of the speech.
        timeout_seconds: Silence after the prompt that ends the wait.
        with_speech: Whether speech is recognized. If not, only keys are.
    """

    prompt: tuple[Say | Pause, ...]
    answer_to: Position
    voice: Voice
    hints: tuple[str, ...] = ()
    timeout_seconds: int = 5
    with_speech: bool = True


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect the caller to a number in E.164; the result continues at `answer_to`.

    `caller_id` is the number that the called phone shows. If it is empty, the provider passes on
    what it received of the caller, with which some calls fail.
    """

    number: str
    answer_to: Position
    timeout_seconds: int = DIAL_TIMEOUT_SECONDS
    max_seconds: int = MAX_DIAL_SECONDS
    caller_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordCaller:
    """Record the caller after a beep; the recording continues at `answer_to`."""

    answer_to: Position
    max_seconds: int = 120


@dataclass(frozen=True, slots=True)
class GoTo:
    """Continue at a position with a request of its own."""

    position: Position


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not answer the call: the caller hears that the line is busy. It costs nothing then.

    It is only valid as the first instruction. A provider that gets a document without any
    instruction mostly answers and hangs up: that costs something.
    """


Instruction = Say | Pause | Gather | Dial | RecordCaller | GoTo | HangUp | Reject


@dataclass(frozen=True, slots=True)
class SayCode:
    """Read the code of this call digit by digit. Stored in place of the code."""

    voice: Voice


@dataclass(frozen=True, slots=True)
class DialLineOperator:
    """Connect the caller to the line operator. Stored in place of the line operator's number."""

    answer_to: Position


StoredInstruction = Say | SayCode | Pause | Gather | DialLineOperator | RecordCaller | GoTo | HangUp
"""What a call stores of its instructions: no code and no phone number."""


def resolve(
    instructions: Sequence[StoredInstruction],
    *,
    line_operator: str = "",
    caller_id: str = "",
    code: str = "",
) -> tuple[Instruction, ...]:
    """Replace the instructions that stand for the numbers of a call and for its code.

    Only an outbound call has a code. Without it, nothing is read.
    """
    resolved: list[Instruction] = []
    for instruction in instructions:
        match instruction:
            case DialLineOperator(answer_to):
                resolved.append(Dial(line_operator, answer_to, caller_id=caller_id))
            case SayCode(voice):
                for digit in code:
                    resolved += (Say(digit, voice), Pause())
            case _:
                resolved.append(instruction)
    return tuple(resolved)


ANONYMOUS_PERCENT: Final = 20
"""How much of the limits of calls callers without a caller id can use up together."""
CALLS_PER_CALLER: Final = SlidingWindow(10, timedelta(hours=1))
"""More than a person calls who tries again; the limits in total hold for everybody together."""
LINE_OPERATOR_CALLS_PER_CALLER: Final = SlidingWindow(3, timedelta(hours=1))
"""A call that is cut off can be repeated twice; no caller keeps the line operator busy alone."""
_INBOUND: Final = "inbound"
_OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The limits of an operator for inbound calls.

    - A caller id is a claim, so no number has more than others.
    - Callers without a caller id share a fifth of the limits in total.
    - `lines` is how many callers talk to the line operator at the same time.
    """

    per_caller: SlidingWindow = CALLS_PER_CALLER
    total: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    line_operator_per_caller: SlidingWindow = LINE_OPERATOR_CALLS_PER_CALLER
    line_operator_total: SlidingWindow = SlidingWindow(100, timedelta(hours=1))
    lines: int = 10

    def for_call(self, phone_key: str | None) -> tuple[RateLimit, ...]:
        """Return the limits of an inbound call.

        `phone_key` identifies the phone and does not reveal it; None without a caller id.
        """
        of_caller = _of_caller(_INBOUND, phone_key, self.per_caller, self.total)
        return of_caller, _in_total(_INBOUND, self.total)

    def for_line_operator_call(self, phone_key: str | None) -> tuple[RateLimit, ...]:
        """Return the limits of a call to the line operator, as `for_call` does."""
        per_caller, total = self.line_operator_per_caller, self.line_operator_total
        of_caller = _of_caller(_OPERATOR, phone_key, per_caller, total)
        return of_caller, _in_total(_OPERATOR, total), self.of_lines

    @property
    def of_lines(self) -> RateLimit:
        """The limit of lines. One that is not released is free after the longest call."""
        longest = timedelta(seconds=DIAL_TIMEOUT_SECONDS + MAX_DIAL_SECONDS)
        return _in_total("lines", SlidingWindow(self.lines, longest))

    @property
    def shared_limits(self) -> Sequence[RateLimit]:
        return (*self.for_call(None), *self.for_line_operator_call(None))


def _of_caller(
    action: str, phone_key: str | None, per_caller: SlidingWindow, total: SlidingWindow
) -> RateLimit:
    if phone_key is None:
        return _in_total(f"{action}:anonymous", total.scale_percent(ANONYMOUS_PERCENT))
    return RateLimit(f"phone:{phone_key}", LimitPurpose.CALLS, action, per_caller)


def _in_total(name: str, window: SlidingWindow) -> RateLimit:
    return RateLimit("total", LimitPurpose.CALLS, name, window)
