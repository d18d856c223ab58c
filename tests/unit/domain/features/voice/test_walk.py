from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.calls.flows import read_call_flow
from domain.features.voice.flow import (
    CallbackNode,
    CallFlow,
    DialNode,
    DialResult,
    FlowNode,
    HangUpNode,
    LeaveNode,
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
    SayCode,
)
from domain.features.voice.walk import (
    MAX_VISITS,
    Answered,
    CallBack,
    CallEvent,
    CallOutcome,
    ChooseLanguage,
    ClaimedCaller,
    Continued,
    Dialed,
    EffectResult,
    Leave,
    Recorded,
    Register,
    Step,
    advance,
    skip_line_operator,
    start,
)
from tests.support.call_flows import BYE, INDIAN_PHONE, PHONE, make_flow, make_locale, menu, spoken
from tests.support.examples import examples

DEMO = read_call_flow(None, "Demo")
UNKNOWN = ClaimedCaller(INDIAN_PHONE)
UNVERIFIED = ClaimedCaller(INDIAN_PHONE, "an identity")
VERIFIED = ClaimedCaller(INDIAN_PHONE, "an identity", is_verified=True)
ANONYMOUS = ClaimedCaller()
SILENCE, NONSENSE = Answered(), Answered(speech="blah")
YES = Answered(keys="1")
DONE, REJECTED = EffectResult.DONE, EffectResult.REJECTED
LOCALES = {"en": make_locale(), "hi": make_locale("hi-IN", countries=("IN",))}
REGISTER = RegisterNode("consent", "ok", "other")
LEAVE = LeaveNode("ok", "other")
CALLBACK = CallbackNode("hello", "other")
RECORD = RecordNode("tone", "ok", "other", 30)
DIAL = DialNode("tone", "ok", "busy", "absent", "broken", timeout_seconds=9, max_seconds=99)


def flow_with(node: FlowNode) -> CallFlow:
    """Return a flow where the key 1 leads to the node, and that to nodes that wait."""
    ends: dict[str, FlowNode] = {
        name: menu("bye") for name in ("ok", "other", "busy", "absent", "broken")
    }
    return make_flow({"start": menu("node"), "node": node, **ends, "bye": BYE}, locales=LOCALES)


def walk(flow: CallFlow, *events: CallEvent, caller: ClaimedCaller = UNVERIFIED) -> Step:
    step = start(flow, caller)
    for event in events:
        assert step.position, f"the call ended before {event}"
        step = advance(flow, step.position, caller, event)
    return step


def said(step: Step) -> list[str]:
    """Return what is said without the language, which is that of the caller."""
    texts = list(spoken(step.instructions))
    assert all(text.endswith(" in hi-IN") for text in texts)
    return [text.removesuffix(" in hi-IN") for text in texts]


def test_the_first_node_depends_on_the_caller() -> None:
    flow = make_flow({"new": BYE, "old": HangUpNode()}, unknown="new", known="old")
    paths = [start(flow, caller).path for caller in (UNKNOWN, UNVERIFIED, VERIFIED)]
    assert paths == [("new",), ("old",), ("old",)]
    assert start(flow, ANONYMOUS).path == ("new",)
    assert start(replace(flow, anonymous_caller="old"), ANONYMOUS).path == ("old",)


def test_the_locale_is_the_requested_one_or_else_that_of_the_country() -> None:
    flow = make_flow({"start": BYE}, locales={**LOCALES, "es": make_locale("es-MX")})
    assert flow.select_locale("IN", ("fr", "es")).voice.language == "es-MX"
    assert flow.select_locale("IN", ("es-ES",)).voice.language == "es-MX"
    assert flow.select_locale("IN", ("fr",)).voice.language == "hi-IN"
    assert flow.select_locale(None, ("fr",)).voice.language == "en-US"
    for caller, language in (
        (UNKNOWN, "hi-IN"),
        (ClaimedCaller(PHONE), "en-US"),
        (ANONYMOUS, "en-US"),
    ):
        assert list(spoken(start(flow, caller).instructions)) == [f"bye in {language}"]


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
    spanish = make_locale("es-MX", offered_in=("US",))
    flow = make_flow({"start": BYE}, locales={**LOCALES, "es": spanish})
    assert flow.find_offer(country, tag) == offer


@pytest.mark.parametrize("answer", [Answered(keys="9"), Answered(speech="name of en-US")])
def test_a_caller_who_chooses_a_language_hears_the_menu_again_in_it(answer: Answered) -> None:
    node = replace(menu("bye"), language_key="9")
    flow = make_flow({"start": node, "bye": BYE}, locales=LOCALES)
    first = start(flow, UNKNOWN)
    assert list(spoken(first.instructions)) == ["language_offer in en-US", "question in hi-IN"]
    chosen = walk(flow, answer, caller=UNKNOWN)
    assert (chosen.effect, chosen.instructions) == (ChooseLanguage("en"), ())
    assert chosen.position
    step = advance(flow, chosen.position, replace(UNKNOWN, locale="en"), DONE)
    assert list(spoken(step.instructions)) == ["language_offer in hi-IN", "question in en-US"]
    assert (step.path, step.position) == (("start",), Position("start", 2))


# Menus


def test_texts_are_said_up_to_the_next_question() -> None:
    step = walk(flow_with(SayNode("hello", "ok")), YES)
    assert step.path == ("node", "ok")
    assert said(step) == ["hello", "question"]
    gather = step.instructions[-1]
    assert isinstance(gather, Gather)
    assert gather.answer_to == step.position == Position("ok", 2)
    assert gather.hints == ("yes", "of course", "no", "leave me")


@pytest.mark.parametrize(
    ("answer", "apology"),
    [(SILENCE, []), (Continued(), []), (NONSENSE, ["again"]), (Answered(keys="9"), ["again"])],
)
def test_a_menu_is_repeated_twice_and_then_gives_up(answer: CallEvent, apology: list[str]) -> None:
    flow = flow_with(menu("ok"))
    for repeat in (1, 2):
        step = walk(flow, *[answer] * repeat)
        assert step.position == Position("start", 1 + repeat, repeat)
        (gather,) = step.instructions
        assert isinstance(gather, Gather)
        assert (gather.answer_to, gather.voice) == (step.position, LOCALES["hi"].voice)
        assert gather.with_speech
        assert said(step) == [*apology, "question"]
    last = walk(flow, answer, answer, answer)
    assert (last.path, last.position, last.outcome) == (("bye",), None, CallOutcome.GAVE_UP)


# Nodes


@pytest.mark.parametrize(
    ("node", "instructions"),
    [
        (RECORD, [RecordCaller(Position("node", 2), 30)]),
        (DIAL, [DialLineOperator(Position("node", 2), 9, 99)]),
        (REGISTER, [Pause(3), GoTo(Position("node", 2))]),
    ],
)
def test_a_node_says_its_text_and_then_waits(node: FlowNode, instructions: list[object]) -> None:
    step = walk(flow_with(node), YES)
    assert said(step) == ["consent" if node is REGISTER else "tone"]
    assert (list(step.instructions[1:]), step.effect) == (instructions, None)


def test_nothing_is_said_before_an_effect() -> None:
    for node, effect in (
        (REGISTER, Register("consent in hi-IN", "hi-IN")),
        (LEAVE, Leave()),
        (CALLBACK, CallBack()),
    ):
        events = [YES, Continued()] if node is REGISTER else [YES]
        step = walk(flow_with(node), *events, caller=UNKNOWN)
        assert (step.effect, step.instructions) == (effect, ())
        assert step.position == Position("node", 2)


@pytest.mark.parametrize(
    ("node", "events", "path", "outcome"),
    [
        (RECORD, [Recorded("RE1")], "ok", CallOutcome.RECORDED),
        (RECORD, [Continued()], "other", None),
        (LEAVE, [DONE], "ok", CallOutcome.LEFT),
        # The caller is verified.
        (LEAVE, [REJECTED], "other", CallOutcome.LEAVING_EXPLAINED),
        (CALLBACK, [REJECTED], "other", CallOutcome.CALLBACK_REJECTED),
        (REGISTER, [Continued(), DONE], "ok", CallOutcome.JOINED),
        (REGISTER, [Continued(), REJECTED], "other", None),
        (DIAL, [Dialed(DialResult.ANSWERED)], "ok", CallOutcome.CONNECTED),
        (DIAL, [Dialed(DialResult.BUSY)], "busy", CallOutcome.OPERATOR_UNAVAILABLE),
        (DIAL, [Dialed(DialResult.NO_ANSWER)], "absent", CallOutcome.OPERATOR_UNAVAILABLE),
        (DIAL, [Dialed(DialResult.FAILED)], "broken", CallOutcome.OPERATOR_UNAVAILABLE),
        (DIAL, [Continued()], "broken", CallOutcome.OPERATOR_UNAVAILABLE),
    ],
)
def test_after_a_node_the_call_waits_at_the_next_with_an_outcome(
    node: FlowNode, events: list[CallEvent], path: str, outcome: CallOutcome | None
) -> None:
    step = walk(flow_with(node), YES, *events)
    assert (step.path, step.position) == ((path,), Position(path, 3))
    assert (step.outcome, step.effect) == (outcome, None)
    assert said(step) == ["question"]


def test_nobody_is_registered_who_did_not_hear_the_consent() -> None:
    for event in (SILENCE, YES, Recorded("RE1")):
        step = walk(flow_with(REGISTER), YES, event)
        assert (step.effect, step.position) == (None, Position("node", 3))
        assert said(step) == ["consent"]


def test_a_callback_ends_the_call() -> None:
    step = walk(flow_with(CALLBACK), YES, DONE)
    assert said(step) == ["hello"]
    assert (step.instructions[-1], step.position) == (HangUp(), None)
    assert step.outcome is CallOutcome.CALLBACK


def test_without_a_caller_id_nobody_is_called_back_or_registered() -> None:
    for node, outcome in ((CALLBACK, CallOutcome.CALLBACK_REJECTED), (REGISTER, None)):
        step = walk(flow_with(node), YES, caller=ANONYMOUS)
        assert (step.path, step.effect, step.outcome) == (("node", "other"), None, outcome)


def test_without_an_operator_a_call_comes_to_the_node_after_the_failure() -> None:
    second = replace(DIAL, failed="bye")
    nodes = {**flow_with(DIAL).nodes, "start": SayNode("hello", "node"), "broken": second}
    flow = make_flow(nodes, locales=LOCALES)
    step = skip_line_operator(flow, start(flow, UNKNOWN), UNKNOWN, DialResult.FAILED)
    assert said(step) == ["hello", "bye"]
    assert (step.instructions[-1], step.position) == (HangUp(), None)
    assert step.path == ("start", "node", "broken", "bye")
    assert step.outcome is CallOutcome.OPERATOR_UNAVAILABLE
    other = start(flow_with(DIAL), UNKNOWN)
    assert skip_line_operator(flow, other, UNKNOWN, DialResult.FAILED) is other


# Ends


def test_a_call_that_is_too_long_says_goodbye() -> None:
    flow = flow_with(menu("node"))
    assert MAX_VISITS == 100
    repeated = advance(flow, Position("node", 99), UNKNOWN, SILENCE)
    assert repeated.position == Position("node", 100, 1)
    assert advance(flow, Position("node", 99), UNKNOWN, YES).position == Position("node", 100)
    for event in (YES, SILENCE):
        step = advance(flow, Position("node", 100), UNKNOWN, event)
        assert said(step) == ["goodbye"]
        assert (step.instructions[-1], step.position) == (HangUp(), None)
        assert step.outcome is CallOutcome.GAVE_UP


def test_a_node_that_changed_during_the_call_is_passed_or_ends_it_with_an_apology() -> None:
    flow = flow_with(SayNode("hello", "ok"))
    assert advance(flow, Position("node", 7), UNKNOWN, YES).position == Position("ok", 8)
    step = advance(flow, Position("gone"), UNKNOWN, YES)
    assert said(step) == ["apology"]
    assert (step.position, step.outcome) == (None, CallOutcome.FAILED)


EVENTS = st.one_of(
    st.builds(Answered, st.sampled_from(["", "1", "2", "3", "4", "12", "x"]), st.just("")),
    st.builds(Answered, st.just(""), st.sampled_from(["", "yes", "leave, please", "?"])),
    st.builds(Dialed, st.sampled_from(DialResult)),
    st.builds(Recorded, st.just("RE1"), st.integers(0, 9)),
    st.just(Continued()),
    st.sampled_from(EffectResult),
)
CALLERS = st.builds(
    ClaimedCaller,
    st.sampled_from([None, PHONE, INDIAN_PHONE]),
    st.sampled_from([None, "an identity"]),
)


@settings(max_examples=examples(25))
@given(CALLERS, st.data())
def test_every_call_ends_and_no_event_raises_and_silence_has_no_effect(
    caller: ClaimedCaller, data: st.DataObject
) -> None:
    silent = start(DEMO, caller)
    while silent.position:
        assert silent.effect is None
        silent = advance(DEMO, silent.position, caller, SILENCE)
    step = start(DEMO, caller)
    visits = []
    while step.position:
        if step.effect:
            event: CallEvent = data.draw(st.sampled_from(EffectResult))
        else:
            visits.append(step.position.visit)
            # After a while the caller says nothing: then the call ends by itself.
            event = data.draw(EVENTS) if len(visits) < 12 else Continued()
        assert not (step.effect and step.instructions)
        assert SayCode not in map(type, step.instructions)
        step = advance(DEMO, step.position, caller, event)
        assert len(visits) < 60
    assert visits == sorted(set(visits))
    assert step.instructions[-1] == HangUp()
