"""The wait of a rejected attempt is exact: then an attempt is allowed, and no second earlier."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts
from domain.otp.attempts import OtpAttempt
from domain.otp.challenge import OtpCode
from tests.support.builders import a_hashed_ip
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
)


def is_allowed(
    driver: VerificationDriver, client_ip: str, seconds: float, request_id: str | None = None
) -> bool:
    """Return whether an attempt after these seconds is allowed."""
    try:
        driver.copy(after=seconds).verify(WRONG_CODE, client_ip, request_id)
    except TooManyAttempts:
        return False
    return True


def required_wait(driver: VerificationDriver, client_ip: str, request_id: str | None = None) -> int:
    """Return the seconds in the response to a rejected attempt."""
    with pytest.raises(TooManyAttempts) as error:
        driver.copy().verify(WRONG_CODE, client_ip, request_id)
    return error.value.retry_after


# Situations in which no attempt is allowed. Each returns the IP of the attempt.


def after_the_attempts_of_an_own_delivery(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP)
    driver.wait(20)
    return HOME_IP


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


def after_five_attempts_of_an_unknown_ip(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.fail(5, WORK_IP)
    return WORK_IP


def after_the_shared_attempts_of_an_hour(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.use_up_shared_attempts()
    driver.wait(minutes=58)
    driver.deliver(HOME_IP)
    driver.fail(1, WORK_IP)
    return WORK_IP


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


SITUATIONS = [
    after_the_attempts_of_an_own_delivery,
    after_the_attempts_of_the_last_own_delivery,
    while_a_newer_code_is_active,
    after_five_attempts_of_an_unknown_ip,
    after_the_shared_attempts_of_an_hour,
    after_shared_attempts_one_by_one,
    after_fifty_failures,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_an_attempt_is_allowed_after_the_wait_and_no_second_earlier(
    driver: VerificationDriver, situation: Callable[[VerificationDriver], str]
) -> None:
    client_ip = situation(driver)
    wait = required_wait(driver, client_ip)
    assert is_allowed(driver, client_ip, wait)
    assert not is_allowed(driver, client_ip, wait - 1)


def test_without_attempts_left_a_request_id_waits_until_its_code_expires(
    driver: VerificationDriver,
) -> None:
    request_id = driver.deliver(HOME_IP).request_id
    driver.fail(5, HOME_IP, request_id)
    driver.wait(4)
    assert required_wait(driver, HOME_IP, request_id) == 300 - 4


def test_the_expiry_of_another_code_does_not_help_a_request_id(driver: VerificationDriver) -> None:
    driver.deliver(HOME_IP)
    driver.wait(250)
    request_id = driver.deliver(HOME_IP).request_id
    driver.fail(5, HOME_IP, request_id)
    assert required_wait(driver, HOME_IP, request_id) == 300


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
