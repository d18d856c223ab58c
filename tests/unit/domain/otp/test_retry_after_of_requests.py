"""The wait of a rejected request is exact: then a delivery is allowed, and no second earlier."""

from collections.abc import Callable

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.sliding_window import whole_seconds
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    HOUR,
    WORK_IP,
    VerificationDriver,
    unknown_ip,
)


def is_delivered(driver: VerificationDriver, client_ip: str, seconds: float) -> bool:
    """Return whether a request after these seconds causes a delivery."""
    try:
        return driver.copy(after=seconds).request(client_ip).is_new
    except TooManyOtpRequests:
        return False


def required_wait(driver: VerificationDriver, client_ip: str) -> int:
    """Return the seconds in the response to a request that causes no delivery."""
    try:
        decision = driver.copy().request(client_ip)
    except TooManyOtpRequests as error:
        return error.retry_after
    assert not decision.is_new
    return whole_seconds(driver.now, decision.next_request_at)


# Situations in which no delivery is allowed. Each returns the IP of the request.


def within_the_cooldown(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.wait(3)
    return WORK_IP


def within_the_cooldown_of_an_own_delivery(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.wait(3)
    return HOME_IP


def within_a_doubled_cooldown(driver: VerificationDriver) -> str:
    for number in range(5):
        driver.deliver(unknown_ip(number))
    driver.wait(minutes=14, seconds=50)
    for number in range(5, 8):
        driver.deliver(unknown_ip(number))
    return HOME_IP


def after_five_deliveries_to_one_ip_in_minutes(driver: VerificationDriver) -> str:
    for _ in range(5):
        driver.deliver(HOME_IP)
    driver.wait(100)
    return HOME_IP


def after_six_deliveries_to_one_ip(driver: VerificationDriver) -> str:
    for _ in range(6):
        driver.deliver(HOME_IP)
    driver.wait(hours=5)
    return HOME_IP


def after_six_deliveries_to_several_ips(driver: VerificationDriver) -> str:
    for number in range(6):
        driver.deliver(unknown_ip(number))
    driver.wait(100)
    return HOME_IP


def after_twelve_deliveries_to_several_ips(driver: VerificationDriver) -> str:
    for number in range(12):
        driver.deliver(unknown_ip(number))
    driver.wait(hours=5)
    return HOME_IP


def after_three_deliveries_from_the_trusted_ip_quota(driver: VerificationDriver) -> str:
    driver.log_in(HOME_IP)
    driver.wait(days=2)
    for number in range(12):
        driver.deliver(unknown_ip(number))
    for _ in range(3):
        driver.deliver(HOME_IP)
    driver.wait(100)
    return HOME_IP


def when_the_phone_limit_ends_before_the_trusted_ip_quota(driver: VerificationDriver) -> str:
    driver.log_in(HOME_IP)
    driver.wait(days=2)
    for number in range(3):
        driver.deliver(unknown_ip(number))
    for _ in range(6):
        driver.deliver(HOME_IP)
    return HOME_IP


def when_the_cooldown_ends_after_the_phone_limit(driver: VerificationDriver) -> str:
    for number in range(11):
        driver.deliver(unknown_ip(number))
    driver.wait(DAY - 3 * HOUR)
    driver.deliver(unknown_ip(11))
    return HOME_IP


def when_a_delivery_of_the_day_before_expires_meanwhile(driver: VerificationDriver) -> str:
    driver.deliver(unknown_ip(0))
    driver.wait(DAY - 20 - 15 - 15)
    for number in range(1, 4):
        driver.deliver(unknown_ip(number))
    return HOME_IP


def when_the_ip_is_not_trusted_anymore_meanwhile(driver: VerificationDriver) -> str:
    driver.log_in(HOME_IP)
    driver.wait(90 * DAY - 90 * 60)
    for number in range(12):
        driver.deliver(unknown_ip(number))
    for _ in range(3):
        driver.deliver(HOME_IP)
    return HOME_IP


SITUATIONS = [
    within_the_cooldown,
    within_the_cooldown_of_an_own_delivery,
    within_a_doubled_cooldown,
    after_five_deliveries_to_one_ip_in_minutes,
    after_six_deliveries_to_one_ip,
    after_six_deliveries_to_several_ips,
    after_twelve_deliveries_to_several_ips,
    after_three_deliveries_from_the_trusted_ip_quota,
    when_the_phone_limit_ends_before_the_trusted_ip_quota,
    when_the_cooldown_ends_after_the_phone_limit,
    when_a_delivery_of_the_day_before_expires_meanwhile,
    when_the_ip_is_not_trusted_anymore_meanwhile,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_a_delivery_is_allowed_after_the_wait_and_no_second_earlier(
    driver: VerificationDriver, situation: Callable[[VerificationDriver], str]
) -> None:
    client_ip = situation(driver)
    wait = required_wait(driver, client_ip)
    assert is_delivered(driver, client_ip, wait)
    assert not is_delivered(driver, client_ip, wait - 1)


@pytest.mark.parametrize("seconds", [0.001, 0.5, 0.999, 1.001, 14.001])
def test_the_wait_is_rounded_up_to_whole_seconds(
    driver: VerificationDriver, seconds: float
) -> None:
    driver.deliver(HOME_IP)
    driver.wait(15 - seconds)
    wait = required_wait(driver, WORK_IP)
    assert wait - 1 < seconds <= wait
    assert is_delivered(driver, WORK_IP, wait)
