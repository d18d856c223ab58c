import pytest

from domain.voice.code_call import read_code, start_code_call
from domain.voice.instructions import Gather, HangUp, Say, resolve
from domain.voice.walk import Answered, CallEvent, CallOutcome, Continued
from tests.support.call_flows import make_locale, spoken

LOCALE = make_locale("hi-IN")


def test_the_call_says_who_is_calling_and_waits_for_a_key() -> None:
    step = start_code_call(LOCALE)

    (gather,) = step.instructions
    assert isinstance(gather, Gather)
    assert not gather.with_speech
    assert set(spoken(step.instructions)) == {"code_greeting in hi-IN"}
    assert gather.answer_to == step.position


@pytest.mark.parametrize("key", ["1", "#", "*", "0"])
def test_after_a_key_the_code_is_read_digit_by_digit_and_twice(key: str) -> None:
    step = read_code(LOCALE, Answered(keys=key))

    assert "".join(map(repr, step.instructions)).count("012345") == 0
    said = list(spoken(resolve(step.instructions, code="012345")))
    assert said == [
        "code_introduction in hi-IN",
        *"012345",
        "code_repetition in hi-IN",
        *"012345",
    ]
    assert {said.voice for said in resolve(step.instructions) if isinstance(said, Say)} == {
        LOCALE.voice
    }
    assert (step.instructions[-1], step.outcome) == (HangUp(), CallOutcome.CODE_READ)


@pytest.mark.parametrize(
    "event", [Answered(), Answered(speech="leave a message"), Answered(keys="hangup"), Continued()]
)
def test_without_a_key_nothing_is_said(event: CallEvent) -> None:
    step = read_code(LOCALE, event)

    assert step.instructions == (HangUp(),)
    assert (step.position, step.outcome) == (None, CallOutcome.CODE_NOT_READ)
