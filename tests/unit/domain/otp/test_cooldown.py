"""The cooldown: 15 seconds after each of the first three deliveries of a day, then doubling."""

from datetime import timedelta
from itertools import pairwise

from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from tests.unit.domain.otp.verification_driver import HOME_IP, VerificationDriver

HIGH_LIMIT = (SlidingWindow(1000, timedelta(days=1)),)


def test_the_operator_may_set_another_cooldown() -> None:
    policy = DeliveryPolicy(
        per_phone=HIGH_LIMIT, per_phone_and_ip=HIGH_LIMIT, cooldown=timedelta(seconds=2)
    )
    driver = VerificationDriver(policy=policy)
    sent = [driver.deliver(HOME_IP).delivery.sent_at for _ in range(6)]
    cooldowns = [later - earlier for earlier, later in pairwise(sent)]
    assert [cooldown.total_seconds() for cooldown in cooldowns] == [2, 2, 2, 4, 8]
