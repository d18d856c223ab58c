"""Fifteen seconds after each of the first three messages of a day, then twice as long each time."""

from datetime import timedelta
from itertools import pairwise

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from tests.unit.domain.otp.desk import HOME, Desk, stranger

ROOMY = (SlidingWindow(1000, timedelta(days=1)),)
ONLY_COOL_DOWN = DeliveryPolicy(per_phone=ROOMY, per_phone_and_ip=ROOMY)


def waits(desk: Desk, times: int) -> list[float]:
    """Seconds between each message and the next, from different addresses."""
    sent = [desk.send(stranger(number)).delivery.sent_at for number in range(times + 1)]
    return [(later - sooner).total_seconds() for sooner, later in pairwise(sent)]


def test_the_first_three_messages_are_followed_by_fifteen_seconds_each() -> None:
    assert waits(Desk(limits=ONLY_COOL_DOWN), 3) == [15, 15, 15]


def test_from_the_fourth_on_the_cool_down_doubles() -> None:
    assert waits(Desk(limits=ONLY_COOL_DOWN), 8)[3:] == [30, 60, 120, 240, 480]


def test_it_is_never_longer_than_half_an_hour_or_so() -> None:
    assert waits(Desk(limits=ONLY_COOL_DOWN), 13)[9:] == [1920] * 4


def test_changing_addresses_does_not_shorten_the_cool_down() -> None:
    one_address = Desk(limits=ONLY_COOL_DOWN)
    sent = [one_address.send(HOME).delivery.sent_at for _ in range(8)]
    many_addresses = Desk(limits=ONLY_COOL_DOWN)
    assert [many_addresses.send(stranger(number)).delivery.sent_at for number in range(8)] == sent


def test_a_millisecond_too_early_is_too_early() -> None:
    desk = Desk()
    desk.ask(HOME)
    desk.wait(14.999)
    with pytest.raises(TooManyOtpRequests) as refusal:
        desk.ask(stranger(1))
    assert refusal.value.retry_after == 1


def test_the_operator_may_choose_another_cool_down() -> None:
    limits = DeliveryPolicy(per_phone=ROOMY, per_phone_and_ip=ROOMY, cooldown=timedelta(seconds=2))
    assert waits(Desk(limits=limits), 5) == [2, 2, 2, 4, 8]


def test_messages_of_the_day_before_do_not_lengthen_it() -> None:
    desk = Desk(limits=ONLY_COOL_DOWN)
    for number in range(6):
        desk.send(stranger(number))
    desk.wait(days=1)
    assert waits(desk, 4) == [15, 15, 15, 30]


def test_signing_in_does_not_shorten_it_for_others() -> None:
    desk = Desk(limits=ONLY_COOL_DOWN)
    for number in range(5):
        desk.send(stranger(number))
    assert desk.answer(f"{1:06d}", HOME).is_correct
    with pytest.raises(TooManyOtpRequests) as refusal:
        desk.ask(stranger(6))
    assert refusal.value.retry_after == 60
