from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.features.voice.call import CallStatus
from domain.features.voice.call_texts import Text
from domain.features.voice.instructions import (
    DialLineOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    Position,
    RecordCaller,
)
from domain.features.voice.menu import (
    MAX_VISITS,
    advance,
    finish_effect,
    skip_line_operator,
    start,
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
from domain.phone import PhoneNumber
from tests.support.builders import NOW
from tests.support.call_texts import CALL_TEXTS, spoken
from tests.support.voice.builders import a_call

AMERICAN, INDIAN = PhoneNumber("+14155552671"), PhoneNumber("+919876543210")
ANONYMOUS = ClaimedCaller()
UNKNOWN = ClaimedCaller(AMERICAN)
UNVERIFIED = ClaimedCaller(AMERICAN, "an identity")
VERIFIED = ClaimedCaller(AMERICAN, "an identity", is_verified=True)
SILENCE, NONSENSE = Answered(), Answered(speech="blah")
DONE, REJECTED = True, False
UNAVAILABLE = CallOutcome.OPERATOR_UNAVAILABLE


def press(*keys: str) -> list[CallEvent]:
    return [Answered(keys=key) for key in keys]


def walk(caller: ClaimedCaller, *events: CallEvent | bool) -> Step:
    step = start(CALL_TEXTS, caller)
    for event in events:
        position = step.position
        assert position, f"the call ended before {event}"
        if isinstance(event, bool):
            assert step.effect
            step = finish_effect(CALL_TEXTS, position, caller, is_done=event)
        else:
            step = advance(CALL_TEXTS, position, caller, event)
    return step


def said(step: Step, tag: str = "en") -> list[str]:
    """Return the names of the texts that are said, all in this locale but for a language offer."""
    names = {text: name for name, text in CALL_TEXTS.locales[tag].texts.items()}
    offers = {locale.texts[Text.LANGUAGE_OFFER] for locale in CALL_TEXTS.locales.values()}
    return [names[text] for text in spoken(step.instructions) if text not in offers]


# Who hears what


@pytest.mark.parametrize(
    ("caller", "path"),
    [
        (ANONYMOUS, ("welcome", "anonymous_menu")),
        (UNKNOWN, ("welcome", "join")),
        (UNVERIFIED, ("welcome_back", "main_menu")),
        (VERIFIED, ("welcome_back", "main_menu")),
    ],
)
def test_the_first_menu_depends_on_the_caller(caller: ClaimedCaller, path: tuple[str, ...]) -> None:
    step = start(CALL_TEXTS, caller)
    assert (step.path, tuple(said(step)), step.position) == (path, path, Position(path[-1]))


@pytest.mark.parametrize(
    ("caller", "events", "path", "outcome"),
    [
        (UNKNOWN, press("1"), ["consent"], None),
        (UNKNOWN, press("2"), ["not_joined"], None),
        (UNKNOWN, [*press("1"), Continued(), DONE], ["thanks", "operator"], CallOutcome.JOINED),
        (UNKNOWN, [*press("1"), Continued(), REJECTED], ["register_failed"], None),
        (UNVERIFIED, press("1"), ["operator"], None),
        (UNVERIFIED, press("2"), ["feedback"], None),
        (UNVERIFIED, press("3"), ["confirm_leaving"], None),
        (UNVERIFIED, press("3", "2"), ["main_menu"], None),
        (UNVERIFIED, [*press("3", "1"), DONE], ["left"], CallOutcome.LEFT),
        (
            VERIFIED,
            [*press("3", "1"), REJECTED],
            ["leaving_explained"],
            CallOutcome.LEAVING_EXPLAINED,
        ),
        (ANONYMOUS, press("1"), ["operator"], None),
        (ANONYMOUS, press("2"), ["feedback"], None),
        (
            VERIFIED,
            [*press("1"), Dialed(DialResult.ANSWERED)],
            ["goodbye"],
            CallOutcome.CONNECTED,
        ),
        (
            VERIFIED,
            [*press("1"), Dialed(DialResult.BUSY)],
            ["operator_busy", "offer_feedback"],
            UNAVAILABLE,
        ),
        *(
            (VERIFIED, [*press("1"), event], ["operator_absent", "offer_feedback"], UNAVAILABLE)
            for event in (Dialed(DialResult.NO_ANSWER), Dialed(DialResult.FAILED), Continued())
        ),
        (VERIFIED, [*press("1"), Dialed(DialResult.BUSY), *press("1")], ["feedback"], None),
        (VERIFIED, [*press("1"), Dialed(DialResult.BUSY), *press("2")], ["goodbye"], None),
        (VERIFIED, [*press("2"), Recorded("RE1")], ["feedback_kept"], CallOutcome.RECORDED),
        (VERIFIED, [*press("2"), Continued()], ["goodbye"], None),
    ],
)
def test_a_call_goes_on_by_what_was_heard_in_its_state(
    caller: ClaimedCaller,
    events: list[CallEvent | bool],
    path: list[str],
    outcome: CallOutcome | None,
) -> None:
    step = walk(caller, *events)
    assert ([*step.path], step.outcome, step.effect) == (path, outcome, None)
    assert said(step) == ["connecting" if name == "operator" else name for name in path]
    if step.position is None:
        assert step.instructions[-1] == HangUp()
    else:
        assert step.position.state == path[-1]


def test_a_text_is_said_before_the_call_waits_and_nothing_before_an_effect() -> None:
    for caller, key, instructions in (
        (VERIFIED, "1", (DialLineOperator(Position("operator", 2)),)),
        (VERIFIED, "2", (RecordCaller(Position("feedback", 2), 120),)),
        (UNKNOWN, "1", (Pause(3), GoTo(Position("consent", 2)))),
    ):
        assert walk(caller, *press(key)).instructions[1:] == instructions
    consent = CALL_TEXTS.locales["en"].texts[Text.CONSENT]
    joining = walk(UNKNOWN, *press("1"), Continued())
    leaving = walk(UNVERIFIED, *press("3", "1"))
    assert (joining.effect, joining.instructions) == (Register(consent, "en-US"), ())
    assert (leaving.effect, leaving.instructions) == (Leave(), ())


def test_nobody_joins_who_did_not_hear_the_consent() -> None:
    for event in (SILENCE, *press("1"), Recorded("RE1")):
        step = walk(UNKNOWN, *press("1"), event)
        assert (step.effect, said(step)) == (None, ["consent"])


def test_without_a_line_operator_the_call_goes_on_as_after_a_failure() -> None:
    joined = walk(UNKNOWN, *press("1"), Continued(), DONE)
    step = skip_line_operator(CALL_TEXTS, joined, UNKNOWN, DialResult.FAILED)
    assert said(step) == ["thanks", "operator_absent", "offer_feedback"]
    assert step.path == ("thanks", "operator", "operator_absent", "offer_feedback")
    assert step.outcome is UNAVAILABLE


# Menus


@pytest.mark.parametrize(
    ("answer", "apology"),
    [
        (SILENCE, []),
        (Continued(), []),
        (NONSENSE, ["not_understood"]),
        (Answered(keys="8"), ["not_understood"]),
    ],
)
def test_a_menu_is_repeated_twice_and_then_the_call_ends(
    answer: CallEvent, apology: list[str]
) -> None:
    for repeat in (1, 2):
        step = walk(UNVERIFIED, *[answer] * repeat)
        assert step.position == Position("main_menu", 1 + repeat, repeat)
        (gather,) = step.instructions
        assert isinstance(gather, Gather)
        assert gather.answer_to == step.position
        assert gather.with_speech
        assert {"operator", "feedback", "leave", "español"} <= set(gather.hints)
        assert said(step) == [*apology, "main_menu_again"]
    last = walk(UNVERIFIED, answer, answer, answer)
    assert (last.path, last.position, last.outcome) == (("goodbye",), None, CallOutcome.GAVE_UP)


# Languages


def test_the_locale_is_the_requested_one_or_else_that_of_the_country() -> None:
    def language(country: str | None, *tags: str) -> str:
        return CALL_TEXTS.select_locale(country, tags).voice.language

    assert language("IN", "fr", "es") == language("IN", "es-ES") == "es-MX"
    assert language("IN", "fr") == "hi-IN"
    assert language(None, "fr") == "en-US"
    assert said(start(CALL_TEXTS, ClaimedCaller(INDIAN)), "hi") == ["welcome", "join"]


@pytest.mark.parametrize(
    ("country", "tag", "offer"),
    [
        ("IN", "hi", "en"), ("IN", "en", "hi"), ("US", "en", "es"), ("US", "es", "en"),
        ("US", "hi", "en"), ("GB", "en", None), (None, "en", None),
    ],
)  # fmt: skip
def test_a_caller_is_offered_one_other_language(
    country: str | None, tag: str, offer: str | None
) -> None:
    assert CALL_TEXTS.find_offer(country, tag) == offer


@pytest.mark.parametrize("identity_id", [None, "an identity"])
@pytest.mark.parametrize("answer", [Answered(keys="9"), Answered(speech="English")])
def test_a_caller_who_chooses_a_language_hears_the_menu_again_in_it(
    answer: Answered, identity_id: str | None
) -> None:
    caller = ClaimedCaller(INDIAN, identity_id)
    first = start(CALL_TEXTS, caller)
    assert "For English, press 9." in spoken(first.instructions)
    chosen = walk(caller, answer)
    assert (chosen.effect, chosen.instructions) == (ChooseLanguage("en"), ())
    assert chosen.position == first.position
    assert chosen.position
    step = finish_effect(CALL_TEXTS, chosen.position, replace(caller, locale="en"), is_done=True)
    assert said(step) == [chosen.position.state]
    assert step.position == Position(chosen.position.state, 2)
    # A menu that offers no language does not understand its key.
    assert said(walk(UNVERIFIED, *press("3", "9"))) == ["not_understood", "confirm_leaving_again"]


# Ends


def test_a_call_ends_after_a_hundred_answers() -> None:
    assert MAX_VISITS == 100
    feedback = advance(CALL_TEXTS, Position("main_menu", 99), UNVERIFIED, Answered("2"))
    assert feedback.position == Position("feedback", 100)
    for event in (*press("2"), SILENCE, Answered(keys="9")):
        step = advance(CALL_TEXTS, Position("main_menu", 100), UNVERIFIED, event)
        assert (said(step), step.instructions[-1]) == (["goodbye"], HangUp())
        assert (step.position, step.effect, step.outcome) == (None, None, CallOutcome.GAVE_UP)


def test_menus_are_over_after_five_minutes_and_ten_for_a_verified_number() -> None:
    menu, record = Position("offer_feedback"), Position("feedback")
    for caller, minutes in ((ANONYMOUS, 5), (UNVERIFIED, 5), (VERIFIED, 10)):
        over = timedelta(minutes=minutes)
        just_before = over - timedelta(seconds=1)
        assert said(advance(CALL_TEXTS, menu, caller, Answered("1"), over)) == ["goodbye"]
        assert said(advance(CALL_TEXTS, menu, caller, Answered("1"), just_before)) == ["feedback"]
        assert said(advance(CALL_TEXTS, record, caller, Recorded("RE1"), over)) == ["feedback_kept"]


def test_a_state_of_another_version_ends_the_call_with_an_apology() -> None:
    for event in (SILENCE, Continued(), Recorded("RE1"), *press("1")):
        step = advance(CALL_TEXTS, Position("lottery", 3), UNVERIFIED, event)
        assert (said(step), step.instructions[-1]) == (["apology"], HangUp())
        assert (step.position, step.outcome) == (None, CallOutcome.FAILED)


# The record of a call


LATER = NOW + timedelta(seconds=90)
CALL = a_call()
MENU = Position("menu")
FINAL = [CallStatus(text) for text in ("completed", "busy", "no_answer", "failed", "canceled")]


@given(st.lists(st.sampled_from(CallStatus)))
def test_a_status_never_goes_backwards(reported: list[CallStatus]) -> None:
    calls = [CALL]
    for status in reported:
        calls.append(calls[-1].advance_status(status, LATER))
    for earlier, later in pairwise(calls):
        assert later is earlier or later.status.follows(earlier.status)
        assert not earlier.status.is_final or later is earlier
    assert (calls[-1].ended_at is not None) == (calls[-1].status in FINAL)


def test_a_duration_is_never_negative_and_the_last_outcome_counts() -> None:
    assert CALL.advance_status(CallStatus.IN_PROGRESS, NOW).duration is None
    set_back = CALL.advance_status(CallStatus.BUSY, NOW - timedelta(hours=1))
    assert set_back.duration == timedelta()
    call = CALL.complete(None, Step((), MENU, outcome=CallOutcome.JOINED), now=NOW)
    assert call.complete(MENU, Step((), None), now=NOW).outcome is CallOutcome.JOINED
