"""Rejected requests that a phone keeps."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

from domain.otp.delivery import Channel, Deliveries
from domain.otp.delivery_policy import MAX_REJECTIONS, Rejection
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW, a_delivery

DELIVERED = PhoneVerification(deliveries=Deliveries((a_delivery(sent_at=NOW),)))


def a_rejection(minutes: float = 0, limit: str = "per_phone") -> Rejection:
    at = NOW + timedelta(minutes=minutes)
    return Rejection(at=at, channel=Channel.SMS, limit=limit, until=at + timedelta(minutes=15))


def test_a_phone_keeps_the_latest_ten_rejections_each_once() -> None:
    rejections = [a_rejection(number) for number in range(MAX_REJECTIONS + 5)]
    # Two processes write, one of them twice, in any order.
    for parts in permutations([rejections[::2], rejections[1::2], rejections[::2]]):
        kept = DELIVERED
        for part in parts:
            kept = kept.keep_rejections(part)
        assert kept.rejections == tuple(rejections[-MAX_REJECTIONS:])


def test_rejections_of_a_clock_that_was_wrong_keep_out_no_others() -> None:
    of_tomorrow = [a_rejection(24 * 60 + number) for number in range(MAX_REJECTIONS)]
    pruned = replace(DELIVERED, rejections=tuple(of_tomorrow)).prune(NOW)
    kept = pruned.keep_rejections([a_rejection()])
    assert kept.rejections == (a_rejection(),)
    of_next_minute = replace(DELIVERED, rejections=(a_rejection(1),))
    assert of_next_minute.prune(NOW) == of_next_minute


def test_a_phone_of_which_nothing_is_known_keeps_no_rejection() -> None:
    empty = PhoneVerification()
    assert empty.keep_rejections([a_rejection()]) is empty
    # All of it has expired tomorrow, and the cleanup deletes it.
    expired = DELIVERED.keep_rejections([a_rejection()]).prune(NOW + timedelta(days=1))
    assert expired.keep_rejections([a_rejection(24 * 60)]) is expired
