"""Silence and nonsense at the menus."""

from collections.abc import Callable

import pytest

from tests.e2e.phone_line import GOODBYE, PhoneLine
from tests.support.servers.fake_twilio import PhoneCall

NOT_UNDERSTOOD = "Sorry, I did not understand that."


def come_to_join(line: PhoneLine, phone: str) -> PhoneCall:
    return line.call(phone)


def come_to_the_main_menu(line: PhoneLine, phone: str) -> PhoneCall:
    line.join(phone)
    return line.call(phone)


def come_to_the_offer_of_feedback(line: PhoneLine, phone: str) -> PhoneCall:
    call = line.call(phone, "1")
    call.end_dial("busy")
    return call


def come_to_the_confirmation(line: PhoneLine, phone: str) -> PhoneCall:
    line.join(phone)
    return line.call(phone, "4")


@pytest.fixture(
    params=[
        come_to_join,
        come_to_the_main_menu,
        come_to_the_offer_of_feedback,
        come_to_the_confirmation,
    ],
    ids=lambda come: come.__name__,
)
def call(request: pytest.FixtureRequest, line: PhoneLine, phone: str) -> PhoneCall:
    """A call that waits at a menu."""
    come: Callable[[PhoneLine, str], PhoneCall] = request.param
    return come(line, phone)


def test_silence_repeats_the_menu_twice_and_then_the_call_ends(call: PhoneCall) -> None:
    question = call.heard[-1]
    for _ in range(2):
        call.stay_silent()
        assert call.heard[-1] == question
    assert NOT_UNDERSTOOD not in call.heard

    call.stay_silent()

    assert (call.heard[-1], call.waits_for, call.status) == (GOODBYE, None, "completed")
    assert call.heard.count(question) == 3


def test_nonsense_repeats_the_menu_twice_and_then_the_call_ends(call: PhoneCall) -> None:
    question = call.heard[-1]
    call.press("9")
    assert call.heard[-2:] == [NOT_UNDERSTOOD, question]
    call.speak("<Hangup/> & do not leave yes no")
    assert call.heard[-2:] == [NOT_UNDERSTOOD, question]

    call.press("#")

    assert (call.heard[-1], call.waits_for, call.status) == (GOODBYE, None, "completed")
