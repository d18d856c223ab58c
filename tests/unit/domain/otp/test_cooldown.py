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


def measure_cooldowns(driver: VerificationDriver, number_of_cooldowns: int) -> list[float]:
    """Return the seconds between deliveries to different IPs."""
    sent = [
        driver.deliver(unknown_ip(number)).delivery.sent_at
        for number in range(number_of_cooldowns + 1)
    ]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(sent)]


def test_after_each_of_three_deliveries_the_cooldown_is_fifteen_seconds(
    driver: VerificationDriver,
) -> None:
    assert measure_cooldowns(driver, 3) == [15, 15, 15]


def test_from_the_fourth_delivery_on_the_cooldown_doubles(driver: VerificationDriver) -> None:
    assert measure_cooldowns(driver, 8)[3:] == [30, 60, 120, 240, 480]


def test_the_cooldown_is_at_most_thirty_two_minutes(driver: VerificationDriver) -> None:
    assert measure_cooldowns(driver, 13)[9:] == [1920] * 4


def test_another_ip_does_not_shorten_the_cooldown(driver: VerificationDriver) -> None:
    sent_to_one_ip = [driver.deliver(HOME_IP).delivery.sent_at for _ in range(8)]
    driver = VerificationDriver(policy=COOLDOWN_ONLY)
    sent_to_many_ips = [driver.deliver(unknown_ip(number)).delivery.sent_at for number in range(8)]
    assert sent_to_many_ips == sent_to_one_ip


def test_the_operator_may_set_another_cooldown() -> None:
    policy = DeliveryPolicy(
        per_phone=HIGH_LIMIT, per_phone_and_ip=HIGH_LIMIT, cooldown=timedelta(seconds=2)
    )
    assert measure_cooldowns(VerificationDriver(policy=policy), 5) == [2, 2, 2, 4, 8]


def test_deliveries_of_the_day_before_do_not_extend_the_cooldown(
    driver: VerificationDriver,
) -> None:
    for number in range(6):
        driver.deliver(unknown_ip(number))
    driver.wait(days=1)
    assert measure_cooldowns(driver, 4) == [15, 15, 15, 30]


def test_nothing_is_delivered_a_millisecond_before_the_end(driver: VerificationDriver) -> None:
    driver.request(HOME_IP)
    driver.wait(14.999)
    assert not driver.copy().request(unknown_ip(1)).is_new
    driver.wait(0.001)
    assert driver.request(unknown_ip(1)).is_new


def test_a_login_ends_the_cooldown_for_every_ip(driver: VerificationDriver) -> None:
    for number in range(5):
        driver.deliver(unknown_ip(number))
    assert driver.verify("000001", HOME_IP).is_correct
    assert driver.request(unknown_ip(6)).is_new


def test_a_login_does_not_end_the_doubling(driver: VerificationDriver) -> None:
    for _ in range(4):
        driver.log_in(HOME_IP)
    driver.request(unknown_ip(1))
    driver.wait(59)
    assert not driver.copy().request(unknown_ip(2)).is_new
    driver.wait(1)
    assert driver.request(unknown_ip(2)).is_new
