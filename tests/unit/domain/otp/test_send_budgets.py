"""How many messages a phone gets: from everywhere together, and from one address."""

import pytest

from domain.errors import TooManyOtpRequests
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of, stranger

QUARTER = 15 * 60
DAY = 24 * 60 * 60


def messages_within(desk: Desk, seconds: int, *addresses: str) -> int:
    """How many messages go out when each address asks whenever it is told that it may."""
    end = desk.later(seconds).now
    sent = 0
    while desk.now < end:
        turns = []
        for address in addresses:
            try:
                asked = desk.ask(address)
            except TooManyOtpRequests as refusal:
                turns.append(desk.later(refusal.retry_after).now)
                continue
            sent += asked.is_new
            turns.append(asked.next_request_at)
        desk.now = min(turns)
    return sent


def test_one_address_gets_three_messages_in_fifteen_minutes(desk: Desk) -> None:
    assert messages_within(desk, QUARTER, HOME) == 3


def test_one_address_gets_five_messages_a_day(desk: Desk) -> None:
    assert messages_within(desk, DAY, HOME) == 5


def test_all_addresses_together_get_five_messages_in_fifteen_minutes(desk: Desk) -> None:
    assert messages_within(desk, QUARTER, *map(stranger, range(20))) == 5


def test_all_addresses_together_get_ten_messages_a_day(desk: Desk) -> None:
    assert messages_within(desk, DAY, *map(stranger, range(20))) == 10


def test_the_sixth_message_goes_out_fifteen_minutes_after_the_first(desk: Desk) -> None:
    first = desk.send(stranger(0))
    for number in range(1, 5):
        desk.send(stranger(number))
    sixth = desk.send(stranger(5))
    assert (sixth.delivery.sent_at - first.delivery.sent_at).total_seconds() == QUARTER


def test_an_addresss_fourth_message_goes_out_fifteen_minutes_after_its_first(desk: Desk) -> None:
    first = desk.send()
    desk.send()
    desk.send()
    assert (desk.send().delivery.sent_at - first.delivery.sent_at).total_seconds() == QUARTER


def test_what_one_address_used_up_another_still_has(desk: Desk) -> None:
    for _ in range(3):
        desk.send(HOME)
    desk.wait(15)
    with pytest.raises(TooManyOtpRequests):
        desk.ask(HOME)
    assert desk.ask(WORK).is_new


def test_a_spent_budget_sends_nothing_and_keeps_nothing(desk: Desk) -> None:
    for _ in range(3):
        desk.send()
    desk.wait(15)
    before = desk.record
    for _ in range(100):
        with pytest.raises(TooManyOtpRequests):
            desk.ask()
    assert desk.record is before


def test_a_right_answer_gives_no_message_back(desk: Desk) -> None:
    for _ in range(5):
        desk.send(stranger(len(desk.record.deliveries)))
    assert desk.answer(code_of(desk.record.challenges[0].id), stranger(0)).is_correct
    desk.wait(120)
    with pytest.raises(TooManyOtpRequests):
        desk.ask(WORK)
