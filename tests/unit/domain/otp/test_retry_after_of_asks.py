"""What a refused ask is told is true: then a message goes out, and a second before it does not."""

from collections.abc import Callable

import pytest

from domain.errors import TooManyOtpRequests
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of, stranger

DAY = 24 * 60 * 60


def goes_out(desk: Desk, address: str, seconds: float) -> bool:
    """Whether an ask so many seconds from now sends a message."""
    try:
        return desk.later(seconds).ask(address).is_new
    except TooManyOtpRequests:
        return False


def told(desk: Desk, address: str) -> int:
    """How long an ask is told to wait, be it refused or referred."""
    try:
        asked = desk.later(0).ask(address)
    except TooManyOtpRequests as refusal:
        return refusal.retry_after
    assert not asked.is_new
    return int((asked.next_request_at - desk.now).total_seconds())


def known(desk: Desk, address: str) -> None:
    """Have the phone sign in from this address, two days ago."""
    asked = desk.send(address)
    assert desk.answer(code_of(asked.challenge.id), address).is_correct
    desk.wait(days=2)


def in_the_cool_down(desk: Desk) -> str:
    desk.send(HOME)
    desk.wait(3)
    return WORK


def in_ones_own_cool_down(desk: Desk) -> str:
    desk.send(HOME)
    desk.wait(3)
    return HOME


def in_a_doubled_cool_down(desk: Desk) -> str:
    for number in range(5):
        desk.send(stranger(number))
    desk.wait(days=0, minutes=14, seconds=50)
    for number in range(5, 8):
        desk.send(stranger(number))
    return HOME


def after_three_from_one_address(desk: Desk) -> str:
    for _ in range(3):
        desk.send(HOME)
    desk.wait(100)
    return HOME


def after_five_from_one_address(desk: Desk) -> str:
    for _ in range(5):
        desk.send(HOME)
    desk.wait(hours=5)
    return HOME


def after_five_from_everywhere(desk: Desk) -> str:
    for number in range(5):
        desk.send(stranger(number))
    desk.wait(100)
    return HOME


def after_ten_from_everywhere(desk: Desk) -> str:
    for number in range(10):
        desk.send(stranger(number))
    desk.wait(hours=5)
    return HOME


def after_three_from_the_reserve(desk: Desk) -> str:
    known(desk, HOME)
    for number in range(10):
        desk.send(stranger(number))
    for _ in range(3):
        desk.send(HOME)
    desk.wait(100)
    return HOME


def while_the_phones_budget_frees_before_the_reserve(desk: Desk) -> str:
    known(desk, HOME)
    for number in range(3):
        desk.send(stranger(number))
    for _ in range(5):
        desk.send(HOME)
    return HOME


def when_the_cool_down_outlasts_the_budget(desk: Desk) -> str:
    for number in range(9):
        desk.send(stranger(number))
    desk.wait(DAY - 3 * 60 * 60)
    desk.send(stranger(9))
    return HOME


def when_yesterdays_messages_stop_counting_meanwhile(desk: Desk) -> str:
    desk.send(stranger(0))
    desk.wait(DAY - 20 - 15 - 15)
    for number in range(1, 4):
        desk.send(stranger(number))
    return HOME


def when_the_address_stops_being_known_meanwhile(desk: Desk) -> str:
    asked = desk.send(HOME)
    assert desk.answer(code_of(asked.challenge.id), HOME).is_correct
    desk.wait(90 * DAY - 90 * 60)
    for number in range(10):
        desk.send(stranger(number))
    for _ in range(3):
        desk.send(HOME)
    return HOME


SITUATIONS = [
    in_the_cool_down,
    in_ones_own_cool_down,
    in_a_doubled_cool_down,
    after_three_from_one_address,
    after_five_from_one_address,
    after_five_from_everywhere,
    after_ten_from_everywhere,
    after_three_from_the_reserve,
    while_the_phones_budget_frees_before_the_reserve,
    when_the_cool_down_outlasts_the_budget,
    when_yesterdays_messages_stop_counting_meanwhile,
    when_the_address_stops_being_known_meanwhile,
]


@pytest.fixture(params=SITUATIONS, ids=lambda situation: situation.__name__)
def refused(request: pytest.FixtureRequest) -> tuple[Desk, str]:
    """A desk, and an address for which no message goes out now."""
    situation: Callable[[Desk], str] = request.param
    desk = Desk()
    return desk, situation(desk)


def test_a_message_goes_out_when_the_wait_is_over(refused: tuple[Desk, str]) -> None:
    desk, address = refused
    assert goes_out(desk, address, told(desk, address))


def test_no_message_goes_out_a_second_earlier(refused: tuple[Desk, str]) -> None:
    desk, address = refused
    assert not goes_out(desk, address, told(desk, address) - 1)


@pytest.mark.parametrize("seconds", [0.001, 0.5, 0.999, 1.001, 14.001])
def test_a_wait_of_part_of_a_second_is_rounded_up(seconds: float) -> None:
    desk = Desk()
    desk.send(HOME)
    desk.wait(15 - seconds)
    wait = told(desk, WORK)
    assert wait - 1 < seconds <= wait
    assert goes_out(desk, WORK, wait)
