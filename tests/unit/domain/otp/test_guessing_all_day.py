"""Nobody gets more than 30 + 5 x 10 tries in a million in a day."""

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from tests.unit.domain.otp.desk import HOME, WRONG, Desk, stranger

pytestmark = pytest.mark.exhaustive

DAY = 24 * 60 * 60
MOST = 30 + 5 * 10


def counted(desk: Desk, address: str, request_id: str | None = None, times: int = 6) -> int:
    """How many of so many guesses are answered."""
    done = 0
    for _ in range(times):
        try:
            desk.answer(WRONG, address, request_id)
        except TooManyAttempts:
            break
        done += 1
    return done


def tries_in_a_day(desk: Desk, addresses: int) -> int:
    """All that so many addresses get who ask and guess, with ids and without, as they may."""
    end = desk.later(DAY).now
    total, visit = 0, 0
    while desk.now < end:
        visit += 1
        address = stranger(visit % addresses)
        try:
            asked = desk.ask(address)
        except TooManyOtpRequests:
            asked = None
        if asked and visit % 2:
            total += counted(desk, address, asked.delivery.request_id)
        total += counted(desk, address)
        total += counted(desk, address, "unknown")
        desk.wait(67)
    return total


@pytest.mark.parametrize("addresses", [1, 2, 7])
def test_however_many_addresses_ask_and_guess(desk: Desk, addresses: int) -> None:
    assert 0 < tries_in_a_day(desk, addresses) <= MOST


def test_many_addresses_come_close_to_it(desk: Desk) -> None:
    assert tries_in_a_day(desk, 1300) == MOST


def test_guesses_at_a_phone_that_never_asks_are_fewer(desk: Desk) -> None:
    total = 0
    for visit in range(DAY // 60):
        total += counted(desk, stranger(visit))
        desk.wait(60)
    assert total == 30


def test_what_is_kept_of_guessing_all_day_does_not_grow_without_end(desk: Desk) -> None:
    for _ in range(2):
        tries_in_a_day(desk, 1300)
    desk.send(HOME)
    tries = desk.record.unbound_attempts
    assert len(tries.shared) <= 30
    assert len(tries.by_ip) + len(tries.shared) + len(desk.record.deliveries) <= 2 * MOST
