"""The wait of a rejected request or attempt is exact: it is allowed then, and no second earlier.

The situations are those in which several limits end at different times.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempts import OtpAttempt
from domain.otp.challenge import OtpCode
from domain.otp.sliding_window import whole_seconds
from tests.support.builders import a_hashed_ip
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    HOUR,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    unknown_ip,
)

Situation = Callable[[VerificationDriver], str]
"""Brings the driver into a situation, and returns the IP of the request or attempt."""


def wait_for_delivery(driver: VerificationDriver, client_ip: str, after: float = 0) -> int:
    """Return the wait of a request after these seconds, 0 if it causes a delivery."""
    try:
        decision = driver.copy(after=after).request(client_ip)
    except TooManyOtpRequests as error:
        return error.retry_after
    return 0 if decision.is_new else whole_seconds(driver.now, decision.next_request_at)


def wait_for_attempt(
    driver: VerificationDriver, client_ip: str, after: float = 0, request_id: str | None = None
) -> int:
    """Return the wait of an attempt after these seconds, 0 if it is looked at."""
    try:
        driver.copy(after=after).verify(WRONG_CODE, client_ip, request_id)
    except TooManyAttempts as error:
        return error.retry_after
    return 0


# Requests


def within_a_doubled_cooldown(driver: VerificationDriver) -> str:
    for number in range(5):
        driver.deliver(unknown_ip(number))
    driver.wait(minutes=14, seconds=50)
    for number in range(5, 8):
        driver.deliver(unknown_ip(number))
    return HOME_IP


def after_six_deliveries_to_one_ip(driver: VerificationDriver) -> str:
    for _ in range(6):
        driver.deliver(HOME_IP)
    driver.wait(hours=5)
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


@pytest.mark.parametrize(
    "situation",
    [
        within_a_doubled_cooldown,
        after_six_deliveries_to_one_ip,
        when_the_phone_limit_ends_before_the_trusted_ip_quota,
        when_the_cooldown_ends_after_the_phone_limit,
        when_a_delivery_of_the_day_before_expires_meanwhile,
        when_the_ip_is_not_trusted_anymore_meanwhile,
    ],
)
def test_a_delivery_is_allowed_after_the_wait_and_no_second_earlier(
    driver: VerificationDriver, situation: Situation
) -> None:
    client_ip = situation(driver)
    wait = wait_for_delivery(driver, client_ip)
    assert wait > 1
    assert wait_for_delivery(driver, client_ip, wait - 1) > 0
    assert wait_for_delivery(driver, client_ip, wait) == 0


@pytest.mark.parametrize("seconds", [0.001, 0.999, 1.001, 14.001])
def test_the_wait_is_rounded_up_to_whole_seconds(
    driver: VerificationDriver, seconds: float
) -> None:
    driver.deliver(HOME_IP)
    driver.wait(15 - seconds)
    wait = wait_for_delivery(driver, WORK_IP)
    assert wait - 1 < seconds <= wait


# Attempts


def after_the_attempts_of_the_last_own_delivery(driver: VerificationDriver) -> str:
    for _ in range(3):
        driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP)
    driver.wait(30)
    return HOME_IP


def while_a_newer_code_is_active(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP)
    driver.wait(250)
    driver.deliver(WORK_IP)
    return HOME_IP


def after_shared_attempts_one_by_one(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    for number in range(15):
        driver.use_up_shared_attempts(1000 + number, attempts=1)
        driver.wait(1)
    driver.wait(minutes=58)
    driver.deliver(HOME_IP)
    driver.fail(1, WORK_IP)
    return WORK_IP


def after_fifty_failures(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.use_up_shared_attempts(attempts=50)
    return WORK_IP


@pytest.mark.parametrize(
    "situation",
    [
        after_the_attempts_of_the_last_own_delivery,
        while_a_newer_code_is_active,
        after_shared_attempts_one_by_one,
        after_fifty_failures,
    ],
)
def test_an_attempt_is_allowed_after_the_wait_and_no_second_earlier(
    driver: VerificationDriver, situation: Situation
) -> None:
    client_ip = situation(driver)
    wait = wait_for_attempt(driver, client_ip)
    assert wait > 1
    assert wait_for_attempt(driver, client_ip, wait - 1) > 0
    assert wait_for_attempt(driver, client_ip, wait) == 0


def test_without_attempts_left_a_request_id_waits_until_its_own_code_expires(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.wait(250)
    request_id = driver.deliver(HOME_IP).request_id
    driver.fail(5, HOME_IP, request_id)
    driver.wait(4)
    assert wait_for_attempt(driver, HOME_IP, request_id=request_id) == 300 - 4


def test_the_wait_includes_the_limit_of_attempts_without_a_challenge(
    driver: VerificationDriver,
) -> None:
    request_id = driver.deliver(HOME_IP).request_id
    driver.fail(5, HOME_IP, request_id)
    attempt = OtpAttempt(
        code=OtpCode(WRONG_CODE),
        client_ip=a_hashed_ip(HOME_IP),
        now=driver.now,
        request_id=request_id,
        unchallenged_at=driver.now + timedelta(minutes=20),
    )
    _, result = driver.verification.verify(attempt, {})
    assert (result.is_correct, result.retry_after) == (False, 20 * 60)
