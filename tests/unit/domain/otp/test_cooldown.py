"""The cooldown: 15 seconds after each of the first three deliveries of a day, then doubling."""

from datetime import timedelta
from itertools import pairwise

import pytest

from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from tests.unit.domain.otp.verification_driver import HOME_IP, VerificationDriver, unknown_ip

HIGH_LIMIT = (SlidingWindow(1000, timedelta(days=1)),)
COOLDOWN_ONLY = DeliveryPolicy(per_phone=HIGH_LIMIT, per_phone_and_ip=HIGH_LIMIT)


@pytest.fixture
def driver() -> VerificationDriver:
    return VerificationDriver(policy=COOLDOWN_ONLY)


def measure_cooldowns(driver: VerificationDriver, client_ips: list[str]) -> list[float]:
    """Return the seconds between deliveries to these IPs."""
    sent = [driver.deliver(client_ip).delivery.sent_at for client_ip in client_ips]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(sent)]


@pytest.mark.parametrize("client_ips", [[HOME_IP] * 14, [unknown_ip(n) for n in range(14)]])
def test_the_cooldown_doubles_from_the_fourth_delivery_of_a_day_on(
    driver: VerificationDriver, client_ips: list[str]
) -> None:
    cooldowns = [15, 15, 15, 30, 60, 120, 240, 480, 960, 1920, 1920, 1920, 1920]
    assert measure_cooldowns(driver, client_ips) == cooldowns
    driver.wait(days=1)
    assert measure_cooldowns(driver, client_ips[:5]) == cooldowns[:4]


def test_the_operator_may_set_another_cooldown() -> None:
    policy = DeliveryPolicy(
        per_phone=HIGH_LIMIT, per_phone_and_ip=HIGH_LIMIT, cooldown=timedelta(seconds=2)
    )
    assert measure_cooldowns(VerificationDriver(policy=policy), [HOME_IP] * 6) == [2, 2, 2, 4, 8]
