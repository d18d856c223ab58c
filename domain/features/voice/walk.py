"""The walk of a call through its flow: what happened, and what the call does next."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.features.voice.flow import (
    APOLOGY,
    GOODBYE,
    LANGUAGE_OFFER,
    MAX_REPEATS,
    CallbackNode,
    CallFlow,
    DialNode,
    DialResult,
    FlowLocale,
    HangUpNode,
    LeaveNode,
    MenuNode,
    RecordNode,
    RegisterNode,
    SayNode,
)
from domain.features.voice.instructions import (
    DialLineOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    Position,
    RecordCaller,
    Say,
    StoredInstruction,
)
from domain.features.voice.speech import find_key
from domain.phone import PhoneNumber

MAX_VISITS: Final = 100
"""After so many waits, the call ends: loops cost money."""
MAX_MENU_TIME: Final = timedelta(minutes=5)
"""After this time from the start of a call, its menus end."""
MAX_VERIFIED_MENU_TIME: Final = timedelta(minutes=10)
"""The same for a number of a verified identity: it can be forged too, but rarely is."""
SECONDS_TO_HANG_UP: Final = 3
"""The time to disagree after the consent was read."""


@dataclass(frozen=True, slots=True)
class ClaimedCaller:
    """What a call claims about the caller. Nothing proves that the owner is calling.

    Attributes:
        phone: The caller id; None if it is not valid.
        identity_id: The identity that the phone belongs to, if there is one.
        is_verified: Whether that is a verified identity.
        locale: The tag of the locale that was chosen in a call of this number.
    """

    phone: PhoneNumber | None = None
    identity_id: str | None = None
    is_verified: bool = False
    locale: str | None = None

    @property
    def country(self) -> str | None:
        """The country of the phone."""
        return self.phone.country if self.phone else None


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a menu. Both texts are empty after silence."""

    keys: str = ""
    speech: str = ""


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


class EffectResult(StrEnum):
    """What became of an effect."""

    DONE = "done"
    REJECTED = "rejected"


CallEvent = Answered | Dialed | Recorded | Continued | EffectResult


@dataclass(frozen=True, slots=True)
class Register:
    """Make the caller's phone an unverified identity that agreed to this wording.

    `DONE` if there is an identity now.
    """

    consent: str
    language: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Delete the unverified identity of the caller's phone.

    `DONE` if there is none now. `REJECTED` if it is verified: nothing is changed, and a message
    says how to leave.
    """


@dataclass(frozen=True, slots=True)
class CallBack:
    """Call the caller's phone back with a code. `REJECTED` if a limit is reached."""


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    """Speak this locale from now on, also in the next call of the caller's phone."""

    locale: str


Effect = Register | Leave | CallBack | ChooseLanguage


class CallOutcome(StrEnum):
    """What a call came to; the last one counts."""

    GAVE_UP = "gave_up"
    CONNECTED = "connected"
    OPERATOR_UNAVAILABLE = "operator_unavailable"
    JOINED = "joined"
    LEFT = "left"
    LEAVING_EXPLAINED = "leaving_explained"
    CALLBACK = "callback"
    CALLBACK_REJECTED = "callback_rejected"
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
        path: The nodes that the call came to.
        effect: What the use case does first. Its result is the event at `position`.
        outcome: What the call came to by this step, if anything.
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


def locale_of(flow: CallFlow, caller: ClaimedCaller) -> FlowLocale:
    """Return the locale that a caller hears."""
    return flow.locales[_tag_of(flow, caller)]


def start(flow: CallFlow, caller: ClaimedCaller) -> Step:
    """Return the first step of an inbound call."""
    first = flow.unknown_caller
    if caller.phone is None:
        first = flow.anonymous_caller or first
    elif caller.identity_id:
        first = flow.known_caller
    return _enter(flow, first, caller, 1)


def advance(flow: CallFlow, position: Position, caller: ClaimedCaller, event: CallEvent) -> Step:
    """Return the step after an event at a position.

    - It never raises for a valid flow. An event that does not fit the node is silence, or an
      operator who cannot be reached.
    - A node that the flow no longer has ends the call with an apology.
    """
    visit = position.visit + 1
    match flow.nodes.get(position.node):
        case MenuNode() as menu:
            return _answer(flow, menu, position, caller, event)
        case DialNode() as dial:
            result = event.result if isinstance(event, Dialed) else DialResult.FAILED
            is_answered = result is DialResult.ANSWERED
            outcome = CallOutcome.CONNECTED if is_answered else CallOutcome.OPERATOR_UNAVAILABLE
            return _enter(flow, dial.next(result), caller, visit, outcome=outcome)
        case RecordNode() as record:
            if isinstance(event, Recorded):
                return _enter(flow, record.next, caller, visit, outcome=CallOutcome.RECORDED)
            return _enter(flow, record.silent, caller, visit)
        case RegisterNode() as register:
            return _register(flow, register, position, caller, event)
        case LeaveNode() as leave:
            if event is not EffectResult.DONE:
                outcome = CallOutcome.LEAVING_EXPLAINED
                return _enter(flow, leave.verified, caller, visit, outcome=outcome)
            return _enter(flow, leave.left, caller, visit, outcome=CallOutcome.LEFT)
        case CallbackNode() as callback:
            if event is not EffectResult.DONE:
                outcome = CallOutcome.CALLBACK_REJECTED
                return _enter(flow, callback.refused, caller, visit, outcome=outcome)
            text = locale_of(flow, caller).say(callback.text)
            return Step((text, HangUp()), None, outcome=CallOutcome.CALLBACK)
        case SayNode() as say:
            return _enter(flow, say.next, caller, visit)
        case _:
            return apologize(flow, caller)


def skip_line_operator(
    flow: CallFlow, step: Step, caller: ClaimedCaller, result: DialResult
) -> Step:
    """Return the step after this result of a call to the line operator that is not placed.

    What announces the line operator is left out.
    """
    while step.position and step.dials:
        said = step.instructions[:-2]
        after = advance(flow, step.position, caller, Dialed(result))
        step = replace(
            after, instructions=(*said, *after.instructions), path=(*step.path, *after.path)
        )
    return step


def is_menu_over(
    flow: CallFlow, position: Position, caller: ClaimedCaller, elapsed: timedelta
) -> bool:
    """Return whether a call has been answering menus for too long, and says goodbye.

    Any number may be forged, and each minute of a call costs money.
    """
    is_menu = isinstance(flow.nodes.get(position.node), MenuNode)
    return is_menu and elapsed >= (MAX_VERIFIED_MENU_TIME if caller.is_verified else MAX_MENU_TIME)


def say_goodbye(flow: CallFlow, caller: ClaimedCaller) -> Step:
    """Return the step that ends a call at its limits."""
    goodbye = locale_of(flow, caller).say(GOODBYE)
    return Step((goodbye, HangUp()), None, outcome=CallOutcome.GAVE_UP)


def apologize(flow: CallFlow, caller: ClaimedCaller) -> Step:
    """Return the step after an unforeseen error."""
    apology = locale_of(flow, caller).say(APOLOGY)
    return Step((apology, HangUp()), None, outcome=CallOutcome.FAILED)


def _answer(
    flow: CallFlow, menu: MenuNode, position: Position, caller: ClaimedCaller, event: CallEvent
) -> Step:
    locale, offer = locale_of(flow, caller), _offer_of(flow, menu, caller)
    if isinstance(event, EffectResult):  # the caller has chosen the language
        return _enter(flow, position.node, caller, position.visit + 1)
    answer = event if isinstance(event, Answered) else Answered()
    phrases = {choice.key: locale.list_phrases(choice) for choice in menu.choices}
    if offer:
        phrases[menu.language_key] = flow.locales[offer].names
    key = find_key(
        phrases,
        locale,
        whole=[choice.key for choice in menu.choices if flow.changes_something(choice)],
        keys=answer.keys,
        speech=answer.speech,
    )
    visit = position.visit + 1
    if offer and key == menu.language_key:
        return Step((), position, effect=ChooseLanguage(offer))
    for choice in menu.choices:
        if choice.key == key:
            return _enter(flow, choice.next, caller, visit)
    if position.repeat >= MAX_REPEATS:
        return _enter(flow, menu.give_up, caller, visit, outcome=CallOutcome.GAVE_UP)
    if visit > MAX_VISITS:
        return say_goodbye(flow, caller)
    is_silent = not answer.keys and not answer.speech.strip()
    apology = () if is_silent or not menu.invalid else (locale.say(menu.invalid),)
    repeated = Position(position.node, visit, position.repeat + 1)
    return Step((_gather(flow, menu, caller, repeated, apology),), repeated)


def _register(
    flow: CallFlow,
    register: RegisterNode,
    position: Position,
    caller: ClaimedCaller,
    event: CallEvent,
) -> Step:
    visit = position.visit + 1
    if isinstance(event, EffectResult):
        if event is EffectResult.REJECTED:
            return _enter(flow, register.failed, caller, visit)
        return _enter(flow, register.next, caller, visit, outcome=CallOutcome.JOINED)
    if not isinstance(event, Continued):
        # The flow has changed during the call: nobody has heard the consent.
        return _enter(flow, position.node, caller, visit)
    locale = locale_of(flow, caller)
    consent = Register(locale.texts[register.consent], locale.voice.language)
    return Step((), position, effect=consent)


def _enter(
    flow: CallFlow,
    name: str,
    caller: ClaimedCaller,
    visit: int,
    *,
    outcome: CallOutcome | None = None,
) -> Step:
    """Go from node to node until the call waits, ends, or has an effect."""
    locale = locale_of(flow, caller)
    if visit > MAX_VISITS:
        return say_goodbye(flow, caller)
    said: list[StoredInstruction] = []
    path: list[str] = []
    while True:
        path.append(name)
        position = Position(name, visit)
        effect: Effect | None = None
        match flow.nodes[name]:
            case SayNode() as say:
                said.append(locale.say(say.text))
                name = say.next
                continue
            case MenuNode() as menu:
                said.append(_gather(flow, menu, caller, position))
            case DialNode() as dial:
                said.append(locale.say(dial.text))
                said.append(DialLineOperator(position, dial.timeout_seconds, dial.max_seconds))
            case RecordNode() as record:
                said.append(locale.say(record.text))
                said.append(RecordCaller(position, record.max_seconds))
            case RegisterNode() as register:
                if caller.phone is None:
                    name = register.failed
                    continue
                consent = locale.say(register.consent)
                said += (consent, Pause(SECONDS_TO_HANG_UP), GoTo(position))
            case LeaveNode():
                effect = Leave()
            case CallbackNode() as callback:
                if caller.phone is None:
                    name = callback.refused
                    outcome = CallOutcome.CALLBACK_REJECTED
                    continue
                effect = CallBack()
            case HangUpNode() as hang_up:
                if hang_up.text:
                    said.append(locale.say(hang_up.text))
                return Step((*said, HangUp()), None, tuple(path), outcome=outcome)
        # An effect follows a choice of the caller: nothing was said before it.
        instructions = () if effect else tuple(said)
        return Step(instructions, position, tuple(path), effect, outcome)


def _gather(
    flow: CallFlow,
    menu: MenuNode,
    caller: ClaimedCaller,
    position: Position,
    before: tuple[Say, ...] = (),
) -> Gather:
    locale, offer = locale_of(flow, caller), _offer_of(flow, menu, caller)
    hints = [phrase for choice in menu.choices for phrase in locale.list_phrases(choice)]
    offered = flow.locales[offer] if offer else None
    return Gather(
        prompt=(
            *before,
            *([offered.say(LANGUAGE_OFFER)] if offered else []),
            locale.say((position.repeat and menu.repetition) or menu.text),
        ),
        answer_to=position,
        voice=locale.voice,
        hints=tuple(dict.fromkeys([*hints, *(offered.names if offered else ())])),
        with_speech=bool(hints),
    )


def _tag_of(flow: CallFlow, caller: ClaimedCaller) -> str:
    return flow.select_tag(caller.country, (caller.locale,) if caller.locale else ())


def _offer_of(flow: CallFlow, menu: MenuNode, caller: ClaimedCaller) -> str | None:
    return flow.find_offer(caller.country, _tag_of(flow, caller)) if menu.language_key else None
