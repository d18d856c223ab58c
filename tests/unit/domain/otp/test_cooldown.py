"""The cooldown: 15 seconds after each of the first three deliveries of a day, then doubling."""

from datetime import timedelta
from itertools import pairwise

from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    unknown_ip,
)

HIGH_LIMIT = (SlidingWindow(1000, timedelta(days=1)),)


def test_the_operator_may_set_another_cooldown() -> None:
    policy = DeliveryPolicy(
        per_phone=HIGH_LIMIT, per_phone_and_ip=HIGH_LIMIT, cooldown=timedelta(seconds=2)
    )
    driver = VerificationDriver(policy=policy)
    sent = [driver.deliver(HOME_IP).delivery.sent_at for _ in range(6)]
    cooldowns = [later - earlier for earlier, later in pairwise(sent)]
    assert [cooldown.total_seconds() for cooldown in cooldowns] == [2, 2, 2, 4, 8]


def test_the_cooldown_doubles_up_to_128_times() -> None:
    policy = DeliveryPolicy(per_phone=HIGH_LIMIT, per_phone_and_ip=HIGH_LIMIT)
    driver = VerificationDriver(policy=policy)
    sent = [driver.deliver(HOME_IP).delivery.sent_at for _ in range(13)]
    cooldowns = [(later - earlier).total_seconds() for earlier, later in pairwise(sent)]
    assert cooldowns == [15, 15, 15, 30, 60, 120, 240, 480, 960, 1920, 1920, 1920]


def test_only_deliveries_of_the_last_day_double_it() -> None:
    driver = VerificationDriver()
    for _ in range(4):
        driver.deliver(HOME_IP)
    driver.now = NOW + timedelta(days=1, seconds=-1)
    # Five of a day have a cooldown of 60 seconds. After 16 the first two are of the day before.
    decision = driver.request(HOME_IP)
    assert (decision.next_request_at - driver.now).total_seconds() == 16
    assert not driver.copy(after=15).request(HOME_IP).is_new
    assert driver.copy(after=16).request(HOME_IP).is_new


def test_the_latest_login_from_any_ip_ends_it() -> None:
    driver = VerificationDriver()
    for client_ip in (HOME_IP, WORK_IP):
        driver.log_in(client_ip)
        assert driver.copy().request(unknown_ip(1)).is_new
        driver.wait(hours=1)
