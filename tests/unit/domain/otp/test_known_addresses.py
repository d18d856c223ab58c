"""An address from which the phone has signed in has a reserve that strangers cannot use up."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.delivery_policy import Requester
from tests.support.builders import NOW, a_delivery
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of, stranger

HOUR = 60 * 60


def signed_in(desk: Desk, address: str = HOME) -> None:
    """Send a code to this address and answer with it."""
    asked = desk.send(address)
    assert desk.answer(code_of(asked.challenge.id), address).is_correct


def flood(desk: Desk) -> None:
    """Let strangers use up what the phone gets in fifteen minutes."""
    for number in range(5):
        desk.send(stranger(number))
    desk.wait(4 * 60)
    with pytest.raises(TooManyOtpRequests):
        desk.ask(stranger(99))


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    signed_in(desk)
    desk.wait(days=2)
    return desk


def test_strangers_cannot_use_up_the_owners_messages(desk: Desk) -> None:
    flood(desk)
    assert desk.ask(HOME).is_new


def test_strangers_cannot_make_the_owner_wait_longer_than_one_cool_down(desk: Desk) -> None:
    for number in range(5):
        desk.send(stranger(number))
    desk.wait(15)
    assert desk.ask(HOME).is_new


def test_right_after_a_strangers_message_the_owner_waits_one_cool_down(desk: Desk) -> None:
    desk.send(stranger(1))
    desk.wait(14)
    with pytest.raises(TooManyOtpRequests) as refusal:
        desk.ask(HOME)
    assert refusal.value.retry_after == 1
    desk.wait(1)
    assert desk.ask(HOME).is_new


def test_who_never_signed_in_has_no_reserve(desk: Desk) -> None:
    flood(desk)
    with pytest.raises(TooManyOtpRequests):
        desk.ask(WORK)


def test_the_fourth_message_from_the_reserve_goes_out_an_hour_after_the_first() -> None:
    desk = Desk()
    signed_in(desk)
    desk.wait(days=2)
    for number in range(10):
        desk.send(stranger(number))
    sent = [desk.send(HOME).delivery.sent_at for _ in range(4)]
    assert all(
        send.uses_trusted_ip_quota for send in desk.record.deliveries if send.client_ip == HOME
    )
    assert (sent[3] - sent[0]).total_seconds() == HOUR


def test_while_the_phone_has_messages_left_the_reserve_is_not_touched(desk: Desk) -> None:
    for _ in range(3):
        desk.send(HOME)
    assert not any(send.uses_trusted_ip_quota for send in desk.record.deliveries)


def test_a_message_came_from_the_reserve_only_if_that_is_said() -> None:
    assert not a_delivery().uses_trusted_ip_quota


def test_what_came_from_the_reserve_does_not_count_against_the_phone(desk: Desk) -> None:
    for _ in range(3):
        desk.send(HOME)
    for _ in range(2):
        desk.send(HOME)
    assert sum(send.uses_trusted_ip_quota for send in desk.record.deliveries) == 2
    desk.wait(60)
    assert desk.ask(stranger(1)).is_new


def test_the_reserve_lasts_ninety_days_from_the_latest_sign_in() -> None:
    desk = Desk()
    signed_in(desk)
    desk.wait(days=60)
    signed_in(desk)
    desk.wait(days=89)
    flood(desk)
    assert desk.later(0).ask(HOME).is_new
    desk.wait(days=1)
    flood(desk)
    with pytest.raises(TooManyOtpRequests):
        desk.ask(HOME)


def test_at_the_end_of_ninety_days_an_address_is_known_no_more() -> None:
    asker = Requester(HOME, (), trusted_until=NOW)
    assert asker.is_trusted(NOW - timedelta(seconds=1))
    assert not asker.is_trusted(NOW)


def test_an_address_is_known_once_however_often_it_signs_in() -> None:
    desk = Desk()
    for _ in range(3):
        signed_in(desk)
    assert [known.client_ip for known in desk.record.trusted_ips] == [HOME]


def test_the_address_that_signed_in_longest_ago_is_forgotten_when_there_are_too_many() -> None:
    desk = Desk()
    for number in range(21):
        desk.wait(days=1)
        signed_in(desk, stranger(number))
    known = {one.client_ip for one in desk.record.trusted_ips}
    assert known == {stranger(number) for number in range(1, 21)}


def test_a_wrong_answer_makes_no_address_known() -> None:
    desk = Desk()
    desk.send(HOME)
    desk.tries(4, HOME)
    assert desk.record.trusted_ips == ()
