import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.voice.flow import (
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
from domain.voice.instructions import (
    Dial,
    DialOperator,
    Gather,
    GoTo,
    HangUp,
    Pause,
    Position,
    Record,
    SayCode,
    resolve,
)
from domain.voice.walk import (
    MAX_VISITS,
    Answered,
    CallBack,
    Caller,
    CallerIdentity,
    CallEvent,
    CallOutcome,
    Continued,
    Dialed,
    EffectResult,
    ExplainLeaving,
    KeepRecording,
    Leave,
    Recorded,
    Register,
    Step,
    advance,
    skip_operator,
    start,
)
from tests.support.call_flows import (
    BYE,
    INDIAN_PHONE,
    PHONE,
    flows,
    make_flow,
    make_locale,
    menu,
    spoken,
)

UNKNOWN = Caller(PHONE)
UNVERIFIED = Caller(PHONE, CallerIdentity.UNVERIFIED)
VERIFIED = Caller(PHONE, CallerIdentity.VERIFIED)
ANONYMOUS = Caller()
SILENCE = Answered()
YES = Answered(keys="1")
DONE, REJECTED = EffectResult.DONE, EffectResult.REJECTED


def walk(flow: CallFlow, *events: CallEvent, caller: Caller = UNKNOWN) -> Step:
    step = start(flow, caller)
    for event in events:
        assert step.position, f"the call ended before {event}"
        step = advance(flow, step.position, caller, event)
    return step


def with_effect(node: FlowNode) -> CallFlow:
    """Return a flow where the key 1 leads to the node."""
    ok, other = HangUpNode("hello"), HangUpNode("again")
    return make_flow(
        {"start": menu("effect"), "effect": node, "ok": ok, "other": other, "bye": BYE}
    )


def test_the_first_node_depends_on_the_caller() -> None:
    flow = make_flow({"new": BYE, "old": HangUpNode()}, unknown="new", known="old")

    assert [start(flow, caller).path for caller in (UNKNOWN, UNVERIFIED, VERIFIED)] == [
        ("new",),
        ("old",),
        ("old",),
    ]


def test_the_country_of_the_caller_selects_the_locale() -> None:
    locales = {"en": make_locale(), "hi": make_locale("hi-IN", countries=("IN",))}
    flow = make_flow({"start": BYE}, locales=locales)

    said = [
        next(spoken(start(flow, Caller(phone)).instructions)) for phone in (INDIAN_PHONE, PHONE)
    ]

    assert said == ["bye in hi-IN", "bye in en-US"]
    assert next(spoken(start(flow, ANONYMOUS).instructions)) == "bye in en-US"


def test_a_requested_locale_comes_before_that_of_the_country() -> None:
    flow = make_flow(
        {"start": BYE},
        locales={
            "en": make_locale(),
            "es": make_locale("es-MX"),
            "hi": make_locale("hi-IN", countries=("IN",)),
        },
    )

    assert flow.select_locale("IN", ("fr", "es")).voice.language == "es-MX"
    assert flow.select_locale("IN", ("fr",)).voice.language == "hi-IN"
    assert flow.select_locale(None, ("fr",)).voice.language == "en-US"


def test_texts_are_said_up_to_the_next_question() -> None:
    flow = make_flow({"start": SayNode("hello", "menu"), "menu": menu("bye"), "bye": BYE})

    step = start(flow, UNKNOWN)

    assert step.path == ("start", "menu")
    assert list(spoken(step.instructions)) == ["hello in en-US", "question in en-US"]
    gather = step.instructions[-1]
    assert isinstance(gather, Gather)
    assert gather.answer_to == step.position == Position("menu", 1)
    assert gather.hints == ("yes", "of course", "no", "leave me")


@pytest.mark.parametrize("answer", [YES, Answered(speech="of course, please")])
def test_an_answer_leads_to_its_node(answer: Answered) -> None:
    flow = make_flow({"start": menu("yes"), "yes": HangUpNode(), "bye": BYE})

    assert walk(flow, answer).path == ("yes",)


@pytest.mark.parametrize(
    "answer", [SILENCE, Answered(speech="blah"), Answered(keys="9"), Continued()]
)
def test_a_menu_is_repeated_twice_and_then_gives_up(answer: CallEvent) -> None:
    flow = make_flow({"start": menu("start", give_up="bye"), "bye": BYE})

    first, second = walk(flow, answer), walk(flow, answer, answer)
    last = walk(flow, answer, answer, answer)

    assert first.position == Position("start", 2, repeat=1)
    assert second.position == Position("start", 3, repeat=2)
    assert (last.path, last.position, last.outcome) == (("bye",), None, CallOutcome.GAVE_UP)


def test_only_nonsense_is_called_so() -> None:
    flow = make_flow({"start": menu("start"), "bye": BYE})

    assert list(spoken(walk(flow, SILENCE).instructions)) == ["question in en-US"]
    assert list(spoken(walk(flow, Answered(speech="blah")).instructions)) == [
        "again in en-US",
        "question in en-US",
    ]


def test_a_menu_that_is_chosen_again_is_repeated_as_often() -> None:
    flow = make_flow({"start": menu("start"), "bye": BYE})

    step = walk(flow, SILENCE, SILENCE, YES, SILENCE, SILENCE)

    assert step.position == Position("start", 6, repeat=2)


@pytest.mark.parametrize(
    ("event", "node", "outcome"),
    [
        (Dialed(DialResult.ANSWERED), "yes", CallOutcome.CONNECTED),
        (Dialed(DialResult.BUSY), "busy", CallOutcome.OPERATOR_UNAVAILABLE),
        (Dialed(DialResult.NO_ANSWER), "absent", CallOutcome.OPERATOR_UNAVAILABLE),
        (Dialed(DialResult.FAILED), "broken", CallOutcome.OPERATOR_UNAVAILABLE),
        (Continued(), "broken", CallOutcome.OPERATOR_UNAVAILABLE),
    ],
)
def test_the_result_of_the_operators_call_selects_the_node(
    event: CallEvent, node: str, outcome: CallOutcome
) -> None:
    dial = DialNode("tone", "yes", "busy", "absent", "broken", timeout_seconds=9, max_seconds=99)
    flow = make_flow({"start": dial, "yes": BYE, "busy": BYE, "absent": BYE, "broken": BYE})

    assert start(flow, UNKNOWN).instructions[-1] == DialOperator(Position("start"), 9, 99)
    assert (walk(flow, event).path, walk(flow, event).outcome) == ((node,), outcome)


def test_without_an_operator_a_call_comes_to_the_node_after_the_failure() -> None:
    dial = DialNode("tone", "yes", "yes", "yes", "second")
    second = DialNode("tone", "yes", "yes", "yes", "bye")
    nodes: dict[str, FlowNode] = {
        "start": SayNode("hello", "dial"),
        "dial": dial,
        "second": second,
        "yes": menu("yes"),
        "bye": BYE,
    }
    flow = make_flow(nodes)

    step = skip_operator(flow, start(flow, UNKNOWN), UNKNOWN)

    assert list(spoken(step.instructions)) == ["hello in en-US", "bye in en-US"]
    assert (step.instructions[-1], step.position) == (HangUp(), None)
    assert step.path == ("start", "dial", "second", "bye")
    assert step.outcome is CallOutcome.OPERATOR_UNAVAILABLE


def test_a_step_that_calls_no_operator_stays_as_it_is() -> None:
    flow = make_flow({"start": menu("start"), "bye": BYE})
    step = start(flow, UNKNOWN)

    assert skip_operator(flow, step, UNKNOWN) is step


def test_consent_is_read_before_the_caller_is_registered() -> None:
    flow = with_effect(RegisterNode("consent", "ok", "other"))

    consent, registration = walk(flow, YES), walk(flow, YES, Continued())

    assert list(spoken(consent.instructions)) == ["consent in en-US"]
    assert consent.effect is None
    assert isinstance(consent.instructions[-1], GoTo)
    assert registration.effect == Register("consent in en-US", "en-US")
    assert walk(flow, YES, Continued(), DONE).path == ("ok",)
    assert walk(flow, YES, Continued(), DONE).outcome is CallOutcome.JOINED
    assert walk(flow, YES, Continued(), REJECTED).path == ("other",)


@pytest.mark.parametrize("event", [SILENCE, YES, Recorded("RE1")])
def test_nobody_is_registered_who_did_not_hear_the_consent(event: CallEvent) -> None:
    step = walk(with_effect(RegisterNode("consent", "ok", "other")), YES, event)

    assert (step.effect, step.position) == (None, Position("effect", 3))
    assert list(spoken(step.instructions)) == ["consent in en-US"]


def test_an_unverified_caller_can_leave() -> None:
    flow = with_effect(LeaveNode("ok", "other"))

    assert walk(flow, YES, caller=UNVERIFIED).effect == Leave()
    assert walk(flow, YES, DONE, caller=UNVERIFIED).path == ("ok",)


def test_a_caller_who_was_verified_during_the_call_does_not_leave() -> None:
    flow = with_effect(LeaveNode("ok", "other"))

    assert walk(flow, YES, REJECTED, caller=UNVERIFIED).path == ("other",)


def test_a_verified_identity_is_not_changed_by_a_caller_id() -> None:
    flow = with_effect(LeaveNode("ok", "other"))

    assert walk(flow, YES, caller=VERIFIED).effect == ExplainLeaving()
    assert walk(flow, YES, DONE, caller=VERIFIED).path == ("other",)


def test_a_callback_ends_the_call() -> None:
    flow = with_effect(CallbackNode("hello", "other"))

    assert walk(flow, YES).effect == CallBack()
    done = walk(flow, YES, DONE)
    assert list(spoken(done.instructions)) == ["hello in en-US"]
    assert (done.instructions[-1], done.position) == (HangUp(), None)
    assert walk(flow, YES, REJECTED).path == ("other",)


@pytest.mark.parametrize(
    "node", [CallbackNode("hello", "other"), RegisterNode("consent", "ok", "other")]
)
def test_without_a_caller_id_nobody_is_called_back_or_registered(node: FlowNode) -> None:
    step = walk(with_effect(node), YES, caller=ANONYMOUS)

    assert (step.path, step.effect) == (("effect", "other"), None)


def test_a_recording_is_kept_by_its_id() -> None:
    flow = make_flow({"start": RecordNode("tone", "ok", "bye", 30), "ok": BYE, "bye": BYE})
    recorded = Recorded("RE1", 7)

    assert start(flow, UNKNOWN).instructions[1:] == (Record(Position("start"), 30),)
    assert walk(flow, recorded).effect == KeepRecording("RE1", 7)
    assert walk(flow, recorded, DONE).path == ("ok",)
    assert walk(flow, Continued()).path == ("bye",)
    assert walk(flow, Recorded("")).path == ("bye",)


def test_a_call_that_goes_in_circles_ends() -> None:
    flow = make_flow({"start": menu("start"), "bye": BYE})
    step = start(flow, UNKNOWN)
    for _ in range(MAX_VISITS - 1):
        assert step.position
        step = advance(flow, step.position, UNKNOWN, YES)

    assert step.position == Position("start", MAX_VISITS)
    assert advance(flow, step.position, UNKNOWN, YES).position is None
    assert advance(flow, step.position, UNKNOWN, SILENCE).position is None


def test_a_node_that_is_gone_ends_the_call_with_an_apology() -> None:
    step = advance(make_flow({"start": BYE}), Position("gone"), UNKNOWN, YES)

    assert list(spoken(step.instructions)) == ["apology in en-US"]
    assert (step.position, step.outcome) == (None, CallOutcome.FAILED)


EVENTS = st.one_of(
    st.builds(Answered, st.sampled_from(["", "1", "2", "9", "12", "x"]), st.just("")),
    st.builds(Answered, st.just(""), st.sampled_from(["", "word0", "word1 please", "?"])),
    st.builds(Dialed, st.sampled_from(DialResult)),
    st.builds(Recorded, st.sampled_from(["", "RE1"]), st.integers(0, 9)),
    st.just(Continued()),
    st.sampled_from(EffectResult),
)
CALLERS = st.builds(
    Caller, st.sampled_from([None, PHONE, INDIAN_PHONE]), st.sampled_from(CallerIdentity)
)


@given(flows(), CALLERS, st.data())
def test_every_call_ends_and_no_event_raises(
    flow: CallFlow, caller: Caller, data: st.DataObject
) -> None:
    step = start(flow, caller)
    visits = []
    while step.position:
        if step.effect:
            event: CallEvent = data.draw(st.sampled_from(EffectResult))
        else:
            visits.append(step.position.visit)
            # After a while the caller says nothing: then the call ends by itself.
            event = data.draw(EVENTS) if len(visits) < 12 else Continued()
        assert not (step.effect and step.instructions)
        if caller.identity is CallerIdentity.VERIFIED:
            assert step.effect != Leave()
        assert SayCode not in map(type, step.instructions)
        same = advance(flow, step.position, caller, event)
        step = advance(flow, step.position, caller, event)
        assert step == same
        assert len(visits) < 60

    assert visits == sorted(set(visits))
    assert step.instructions[-1] == HangUp()


@given(flows(), CALLERS)
def test_silence_has_no_effect(flow: CallFlow, caller: Caller) -> None:
    step = start(flow, caller)
    while step.position:
        assert step.effect is None
        step = advance(flow, step.position, caller, SILENCE)


def test_the_number_of_the_operator_is_not_stored() -> None:
    stored = DialOperator(Position("operator"), 20, 60)

    assert resolve([stored], operator="+14155552671") == (
        Dial("+14155552671", Position("operator"), 20, 60),
    )


HINDI = Caller(INDIAN_PHONE, CallerIdentity.UNVERIFIED)
LOCALES = {"en": make_locale(), "hi": make_locale("hi-IN", countries=("IN",))}
ENDS: dict[str, FlowNode] = {"ok": menu("bye"), "other": menu("bye"), "bye": BYE}


def hindi_flow(node: FlowNode) -> CallFlow:
    return make_flow({"start": menu("node"), "node": node, **ENDS}, locales=LOCALES)


@pytest.mark.parametrize(
    ("node", "events", "path", "outcome"),
    [
        (RecordNode("tone", "ok", "other"), [Recorded("RE1"), DONE], "ok", CallOutcome.RECORDED),
        (RecordNode("tone", "ok", "other"), [Continued()], "other", None),
        (LeaveNode("ok", "other"), [DONE], "ok", CallOutcome.LEFT),
        (LeaveNode("ok", "other"), [REJECTED], "other", CallOutcome.LEAVING_EXPLAINED),
        (CallbackNode("hello", "ok"), [REJECTED], "ok", CallOutcome.CALLBACK_REJECTED),
        (
            RegisterNode("consent", "ok", "other"),
            [Continued(), DONE],
            "ok",
            CallOutcome.JOINED,
        ),
        (RegisterNode("consent", "ok", "other"), [Continued(), REJECTED], "other", None),
        (
            DialNode("tone", "ok", "other", "other", "other"),
            [Dialed(DialResult.ANSWERED)],
            "ok",
            CallOutcome.CONNECTED,
        ),
    ],
)
def test_after_a_node_the_call_waits_at_the_next_with_an_outcome(
    node: FlowNode, events: list[CallEvent], path: str, outcome: CallOutcome | None
) -> None:
    step = walk(hindi_flow(node), YES, *events, caller=HINDI)

    assert step.path == (path,)
    assert step.position == Position(path, 3)
    assert step.outcome == outcome
    assert step.effect is None
    assert list(spoken(step.instructions)) == ["question in hi-IN"]


@pytest.mark.parametrize(
    ("node", "events"),
    [
        (RecordNode("tone", "ok", "other"), [Recorded("RE1")]),
        (RegisterNode("consent", "ok", "other"), [Continued()]),
        (LeaveNode("ok", "other"), []),
        (CallbackNode("hello", "ok"), []),
    ],
)
def test_nothing_is_said_before_an_effect(node: FlowNode, events: list[CallEvent]) -> None:
    step = walk(hindi_flow(node), YES, *events, caller=HINDI)

    assert step.effect
    assert (step.instructions, step.position) == ((), Position("node", 2))
    if isinstance(step.effect, Register):
        assert step.effect == Register("consent in hi-IN", "hi-IN")


@pytest.mark.parametrize(
    ("node", "text", "last"),
    [
        (RecordNode("tone", "ok", "other"), "tone", Record(Position("node", 2))),
        (DialNode("tone", "ok", "ok", "ok", "ok"), "tone", DialOperator(Position("node", 2))),
        (RegisterNode("consent", "ok", "other"), "consent", GoTo(Position("node", 2))),
    ],
)
def test_a_node_says_its_text_in_the_callers_language(
    node: FlowNode, text: str, last: object
) -> None:
    instructions = walk(hindi_flow(node), YES, caller=HINDI).instructions

    assert instructions[0] == LOCALES["hi"].say(text)
    assert instructions[-1] == last
    assert instructions[1:-1] == ((Pause(3),) if isinstance(node, RegisterNode) else ())


def test_a_menu_is_repeated_in_the_callers_language() -> None:
    flow = hindi_flow(BYE)

    (gather,) = walk(flow, Answered(speech="blah"), caller=HINDI).instructions

    assert isinstance(gather, Gather)
    assert gather.answer_to == Position("start", 2, repeat=1)
    assert gather.voice == LOCALES["hi"].voice
    assert gather.with_speech
    assert list(spoken((gather,))) == ["again in hi-IN", "question in hi-IN"]


def test_a_callback_is_announced_in_the_callers_language() -> None:
    step = walk(hindi_flow(CallbackNode("hello", "ok")), YES, DONE, caller=HINDI)

    assert list(spoken(step.instructions)) == ["hello in hi-IN"]
    assert step.outcome is CallOutcome.CALLBACK


def test_an_apology_is_in_the_callers_language() -> None:
    step = advance(hindi_flow(BYE), Position("gone"), HINDI, YES)

    assert list(spoken(step.instructions)) == ["apology in hi-IN"]


def test_a_node_that_only_speaks_now_is_passed() -> None:
    flow = hindi_flow(SayNode("hello", "ok"))

    assert advance(flow, Position("node", 7), HINDI, YES).position == Position("ok", 8)


def test_a_call_that_is_too_long_says_goodbye() -> None:
    flow = make_flow({"start": menu("start"), "bye": BYE})
    last_but_one, last = Position("start", 99), Position("start", 100)

    assert advance(flow, last_but_one, UNKNOWN, SILENCE).position == Position("start", 100, 1)
    for event in (YES, SILENCE):
        step = advance(flow, last, UNKNOWN, event)
        assert list(spoken(step.instructions)) == ["goodbye in en-US"]
        assert (step.instructions[-1], step.position) == (HangUp(), None)
        assert step.outcome is CallOutcome.GAVE_UP


def test_without_a_caller_id_the_outcome_is_no_callback() -> None:
    step = walk(with_effect(CallbackNode("hello", "other")), YES, caller=ANONYMOUS)

    assert step.outcome is CallOutcome.CALLBACK_REJECTED
