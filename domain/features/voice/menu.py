"""The menu of the phone line, from the greeting to the end of a call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.features.voice.call_texts import CallTexts, SpokenLocale, Text, Words, find_key
from domain.features.voice.instructions import (
    DialLineOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    Position,
    RecordCaller,
    StoredInstruction,
)
from domain.features.voice.step import (
    Answered,
    CallEvent,
    CallOutcome,
    ChooseLanguage,
    ClaimedCaller,
    Continued,
    Dialed,
    DialResult,
    Leave,
    Recorded,
    Register,
    Step,
)

MAX_REPEATS: Final = 2
"""How often a menu is asked again after silence or nonsense."""
MAX_VISITS: Final = 100
"""Maximum waits before a call ends: loops cost money."""
MAX_MENU_TIME: Final = timedelta(minutes=5)
"""Maximum time from a call's start to the end of its menus: each minute costs money."""
MAX_VERIFIED_MENU_TIME: Final = timedelta(minutes=10)
"""The same for a number of a verified identity: it can be forged too, but rarely is."""
SECONDS_TO_HANG_UP: Final = 3
"""The time to disagree after the consent was read."""
LANGUAGE_KEY: Final = "9"


class State(StrEnum):
    """Where a call waits. The values are in URLs, in stored calls and in the call log."""

    JOIN = "join"
    CONSENT = "consent"
    MAIN_MENU = "main_menu"
    ANONYMOUS_MENU = "anonymous_menu"
    CONFIRM_LEAVING = "confirm_leaving"
    OPERATOR = "operator"
    OFFER_FEEDBACK = "offer_feedback"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to a menu: a key, and the words for it.

    The first of the words name the choice. One that leads to joining or leaving
    `changes_something`: nothing else may be said with it.
    """

    key: str
    words: tuple[Words, ...]
    changes_something: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """The choices of a state that asks the caller. Its text has the name of the state.

    `repetition` is a shorter text for those who have heard it.
    """

    repetition: Text
    choices: tuple[Choice, ...]
    offers_language: bool = False


MENUS: Final[Mapping[str, Menu]] = {
    State.JOIN: Menu(
        Text.JOIN_AGAIN,
        (
            Choice("1", (Words.YES, Words.JOIN), changes_something=True),
            Choice("2", (Words.NO, Words.DECLINE)),
        ),
        offers_language=True,
    ),
    State.MAIN_MENU: Menu(
        Text.MAIN_MENU_AGAIN,
        (
            Choice("1", (Words.OPERATOR,)),
            Choice("2", (Words.FEEDBACK,)),
            Choice("3", (Words.LEAVE,), changes_something=True),
        ),
        offers_language=True,
    ),
    State.ANONYMOUS_MENU: Menu(
        Text.ANONYMOUS_MENU_AGAIN,
        (Choice("1", (Words.OPERATOR,)), Choice("2", (Words.FEEDBACK,))),
    ),
    State.CONFIRM_LEAVING: Menu(
        Text.CONFIRM_LEAVING_AGAIN,
        (
            Choice("1", (Words.YES, Words.LEAVE), changes_something=True),
            Choice("2", (Words.NO, Words.STAY)),
        ),
    ),
    State.OFFER_FEEDBACK: Menu(
        Text.OFFER_FEEDBACK_AGAIN,
        (
            Choice("1", (Words.YES, Words.FEEDBACK)),
            Choice("2", (Words.NO, Words.NO_FEEDBACK)),
        ),
    ),
}


def start(texts: CallTexts, caller: ClaimedCaller) -> Step:
    """Return the first step of an inbound call."""
    reply = _Reply(texts, caller)
    if caller.phone is None:
        return reply.ask(State.ANONYMOUS_MENU, Text.WELCOME)
    if caller.identity_id is None:
        return reply.ask(State.JOIN, Text.WELCOME)
    return reply.ask(State.MAIN_MENU, Text.WELCOME_BACK)


def advance(
    texts: CallTexts,
    position: Position,
    caller: ClaimedCaller,
    event: CallEvent,
    elapsed: timedelta = timedelta(),
) -> Step:
    """Return the step after an event at a position, `elapsed` after the call's start.

    - It never raises. An event that does not fit the state is silence, or a line operator who
      cannot be reached.
    - Only a choice of the caller leads to joining or leaving.
    - A state that is not known, of another version of the program, ends the call with an apology.
    """
    menu_time = MAX_VERIFIED_MENU_TIME if caller.is_verified else MAX_MENU_TIME
    is_menu_over = position.state in MENUS and elapsed >= menu_time
    if is_menu_over or position.visit >= MAX_VISITS:
        goodbye = locale_of(texts, caller).say(Text.GOODBYE)
        return Step((goodbye, HangUp()), None, outcome=CallOutcome.GAVE_UP)
    reply = _Reply(texts, caller, position.visit + 1)
    if position.state not in MENUS:
        return _go_on(reply, position, event)
    heard = _understand(reply, position, event)
    return _choose(reply, position, heard) if isinstance(heard, Words) else heard


def _choose(reply: "_Reply", position: Position, choice: Words) -> Step:
    match position.state, choice:
        case State.JOIN, Words.YES:
            return reply.read_consent()
        case State.JOIN, _:
            return reply.end(Text.NOT_JOINED)
        case State.CONFIRM_LEAVING, Words.YES:
            return Step((), position, effect=Leave())
        case State.CONFIRM_LEAVING, _:
            return reply.ask(State.MAIN_MENU)
        case _, Words.OPERATOR:
            return reply.connect()
        case _, Words.LEAVE:
            return reply.ask(State.CONFIRM_LEAVING)
        case _, Words.NO:
            return reply.end(Text.GOODBYE)
        case _:  # feedback, or yes to the offer of it
            return reply.record()


def _go_on(reply: "_Reply", position: Position, event: CallEvent) -> Step:
    unavailable = CallOutcome.OPERATOR_UNAVAILABLE
    match position.state, event:
        case State.CONSENT, Continued():
            consent = reply.locale.texts[Text.CONSENT]
            return Step((), position, effect=Register(consent, reply.locale.voice.language))
        case State.CONSENT, _:  # interrupted, so not heard
            return reply.read_consent()
        case State.OPERATOR, Dialed(DialResult.ANSWERED):
            return reply.end(Text.GOODBYE, outcome=CallOutcome.CONNECTED)
        case State.OPERATOR, Dialed(DialResult.BUSY):
            return reply.ask(State.OFFER_FEEDBACK, Text.OPERATOR_BUSY, outcome=unavailable)
        case State.OPERATOR, _:
            return reply.ask(State.OFFER_FEEDBACK, Text.OPERATOR_ABSENT, outcome=unavailable)
        case State.FEEDBACK, Recorded():
            return reply.end(Text.FEEDBACK_KEPT, outcome=CallOutcome.RECORDED)
        case State.FEEDBACK, _:
            return reply.end(Text.GOODBYE)
        case _:
            return apologize(reply.texts, reply.caller)


def finish_effect(
    texts: CallTexts, position: Position, caller: ClaimedCaller, *, is_done: bool
) -> Step:
    """Return the step after the effect of a step at this position."""
    reply = _Reply(texts, caller, position.visit + 1)
    match position.state, is_done:
        case State.CONSENT, True:
            return reply.connect(Text.THANKS, outcome=CallOutcome.JOINED)
        case State.CONSENT, False:
            return reply.end(Text.REGISTER_FAILED)
        case State.CONFIRM_LEAVING, True:
            return reply.end(Text.LEFT, outcome=CallOutcome.LEFT)
        case State.CONFIRM_LEAVING, False:
            return reply.end(Text.LEAVING_EXPLAINED, outcome=CallOutcome.LEAVING_EXPLAINED)
        case state, _:  # the caller has chosen the language
            return reply.ask(State(state))


def _understand(reply: "_Reply", position: Position, event: CallEvent) -> Words | Step:
    """Return the name of the caller's choice, or the step if there is none.

    After silence and nonsense the menu is repeated, and then the call ends.
    """
    menu, locale, offer = MENUS[position.state], reply.locale, reply.find_offer(position.state)
    answer = event if isinstance(event, Answered) else Answered()
    phrases = {choice.key: locale.list_phrases(choice.words) for choice in menu.choices}
    if offer:
        phrases[LANGUAGE_KEY] = reply.texts.locales[offer].names
    key = find_key(
        phrases,
        locale,
        whole=[choice.key for choice in menu.choices if choice.changes_something],
        keys=answer.keys,
        speech=answer.speech,
    )
    if offer and key == LANGUAGE_KEY:
        return Step((), position, effect=ChooseLanguage(offer))
    for choice in menu.choices:
        if choice.key == key:
            return choice.words[0]
    if position.repeat >= MAX_REPEATS:
        return reply.end(Text.GOODBYE, outcome=CallOutcome.GAVE_UP)
    return reply.repeat(position, is_silence=answer.is_silence)


def skip_line_operator(
    texts: CallTexts, step: Step, caller: ClaimedCaller, result: DialResult
) -> Step:
    """Return the step after this result of a call to the line operator that is not placed.

    What announces the line operator is left out.
    """
    if step.position is None:
        return step
    said = step.instructions[:-2]
    after = advance(texts, step.position, caller, Dialed(result))
    return replace(after, instructions=(*said, *after.instructions), path=(*step.path, *after.path))


def apologize(texts: CallTexts, caller: ClaimedCaller) -> Step:
    """Return the step after an unforeseen error."""
    apology = locale_of(texts, caller).say(Text.APOLOGY)
    return Step((apology, HangUp()), None, outcome=CallOutcome.FAILED)


def locale_of(texts: CallTexts, caller: ClaimedCaller) -> SpokenLocale:
    """Return the locale that a caller hears."""
    return texts.locales[_tag_of(texts, caller)]


def _tag_of(texts: CallTexts, caller: ClaimedCaller) -> str:
    return texts.select_tag(caller.country, (caller.locale,) if caller.locale else ())


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a caller hears next. `visit` is the number of the wait that follows."""

    texts: CallTexts
    caller: ClaimedCaller
    visit: int = 1

    @property
    def locale(self) -> SpokenLocale:
        return locale_of(self.texts, self.caller)

    def find_offer(self, state: str) -> str | None:
        tag = _tag_of(self.texts, self.caller)
        is_offered = MENUS[state].offers_language
        return self.texts.find_offer(self.caller.country, tag) if is_offered else None

    def ask(self, state: State, *said: Text, outcome: CallOutcome | None = None) -> Step:
        position = Position(state, self.visit)
        return self._step(said, (self._gather(position, Text(state)),), position, outcome)

    def repeat(self, position: Position, *, is_silence: bool) -> Step:
        repeated = Position(position.state, self.visit, position.repeat + 1)
        not_understood = () if is_silence else (Text.NOT_UNDERSTOOD,)
        repetition = MENUS[position.state].repetition
        return Step((self._gather(repeated, repetition, not_understood),), repeated)

    def read_consent(self) -> Step:
        """Read the consent. Callers who disagree hang up before the call goes on."""
        position = Position(State.CONSENT, self.visit)
        consent = self.locale.say(Text.CONSENT)
        return self._step((), (consent, Pause(SECONDS_TO_HANG_UP), GoTo(position)), position)

    def connect(self, *said: Text, outcome: CallOutcome | None = None) -> Step:
        position = Position(State.OPERATOR, self.visit)
        connecting = self.locale.say(Text.CONNECTING)
        return self._step(said, (connecting, DialLineOperator(position)), position, outcome)

    def record(self) -> Step:
        position = Position(State.FEEDBACK, self.visit)
        prompt = self.locale.say(Text.FEEDBACK)
        return self._step((), (prompt, RecordCaller(position)), position)

    def end(self, text: Text, *, outcome: CallOutcome | None = None) -> Step:
        return self._step((text,), (HangUp(),), None, outcome)

    def _step(
        self,
        said: tuple[Text, ...],
        instructions: tuple[StoredInstruction, ...],
        position: Position | None,
        outcome: CallOutcome | None = None,
    ) -> Step:
        spoken = tuple(self.locale.say(text) for text in said)
        path = (*said, *((position.state,) if position else ()))
        return Step((*spoken, *instructions), position, tuple(map(str, path)), outcome=outcome)

    def _gather(
        self, position: Position, text: Text, not_understood: tuple[Text, ...] = ()
    ) -> Gather:
        locale, offer = self.locale, self.find_offer(position.state)
        offered = self.texts.locales[offer] if offer else None
        choices = MENUS[position.state].choices
        hints = [phrase for choice in choices for phrase in locale.list_phrases(choice.words)]
        return Gather(
            prompt=(
                *map(locale.say, not_understood),
                *([offered.say(Text.LANGUAGE_OFFER)] if offered else []),
                locale.say(text),
            ),
            answer_to=position,
            voice=locale.voice,
            hints=tuple(dict.fromkeys([*hints, *(offered.names if offered else ())])),
        )
