"""The wait of a rejected attempt is exact: then an attempt is allowed, and no second earlier."""

from collections.abc import Callable

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    HOUR,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    code_of,
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


def after_five_attempts(driver: VerificationDriver) -> str:
    driver.fail(2, WORK_IP)
    driver.wait(600)
    driver.fail(3, WORK_IP)
    return WORK_IP


def after_five_attempts_on_an_own_delivery(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP)
    driver.wait(20)
    return HOME_IP


def after_five_attempts_and_five_deliveries(driver: VerificationDriver) -> str:
    for _ in range(5):
        driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP)
    driver.wait(20)
    return HOME_IP


def after_the_shared_attempts_of_an_hour(driver: VerificationDriver) -> str:
    driver.use_up_shared_attempts()
    driver.wait(600)
    return WORK_IP


def after_the_shared_attempts_of_a_day(driver: VerificationDriver) -> str:
    driver.use_up_shared_attempts()
    driver.wait(2 * HOUR)
    driver.use_up_shared_attempts(first=2000)
    return WORK_IP


def after_five_attempts_that_were_the_last_shared_ones_of_a_day(
    driver: VerificationDriver,
) -> str:
    driver.use_up_shared_attempts()
    driver.wait(2 * HOUR)
    driver.use_up_shared_attempts(first=2000, attempts=10)
    driver.fail(5, WORK_IP)
    return WORK_IP


def after_the_attempts_of_an_own_delivery(driver: VerificationDriver) -> str:
    decision = driver.deliver(HOME_IP)
    driver.fail(5, WORK_IP, decision.delivery.request_id)
    driver.wait(3)
    return HOME_IP


def after_the_attempts_of_the_last_own_delivery(driver: VerificationDriver) -> str:
    driver.deliver(HOME_IP)
    driver.deliver(HOME_IP)
    decision = driver.deliver(HOME_IP)
    driver.fail(5, WORK_IP, decision.delivery.request_id)
    driver.wait(30)
    return HOME_IP


SITUATIONS = [
    after_five_attempts,
    after_five_attempts_on_an_own_delivery,
    after_five_attempts_and_five_deliveries,
    after_the_shared_attempts_of_an_hour,
    after_the_shared_attempts_of_a_day,
    after_five_attempts_that_were_the_last_shared_ones_of_a_day,
    after_the_attempts_of_an_own_delivery,
    after_the_attempts_of_the_last_own_delivery,
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
    decision = driver.deliver(HOME_IP)
    code, request_id = code_of(decision.challenge), decision.delivery.request_id
    driver.fail(5, HOME_IP, request_id)
    driver.wait(4)
    with pytest.raises(TooManyAttempts) as error:
        driver.verify(code, HOME_IP, request_id)
    assert error.value.retry_after == 300 - 4
    assert not driver.copy(after=300 - 4).verify(code, HOME_IP, request_id).is_correct


@pytest.mark.parametrize("minutes", [55, 58])
def test_an_own_delivery_may_expire_before_the_wait_ends(
    driver: VerificationDriver, minutes: int
) -> None:
    driver.deliver(WORK_IP)
    driver.wait(hours=23, minutes=minutes)
    request_id = driver.deliver(HOME_IP).delivery.request_id
    driver.fail(5, HOME_IP, request_id)
    driver.use_up_shared_attempts()
    assert required_wait(driver, WORK_IP, request_id) == HOUR
    assert is_allowed(driver, WORK_IP, HOUR, request_id)
    assert not is_allowed(driver, WORK_IP, HOUR - 1, request_id)


def test_an_own_code_may_expire_after_shared_attempts_are_available(
    driver: VerificationDriver,
) -> None:
    driver.use_up_shared_attempts()
    driver.wait(minutes=57)
    decision = driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP, decision.delivery.request_id)
    assert required_wait(driver, HOME_IP) == 300
    assert not is_allowed(driver, HOME_IP, 299)
    assert is_allowed(driver, HOME_IP, 300)


def test_an_own_code_may_expire_before_shared_attempts_are_available(
    driver: VerificationDriver,
) -> None:
    decision = driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP, decision.delivery.request_id)
    driver.use_up_shared_attempts()
    assert required_wait(driver, HOME_IP) == HOUR
    assert not is_allowed(driver, HOME_IP, HOUR - 1)
    assert is_allowed(driver, HOME_IP, HOUR)


def test_the_wait_of_a_request_id_includes_the_limit_of_the_ip(
    driver: VerificationDriver,
) -> None:
    request_id = driver.deliver(HOME_IP).delivery.request_id
    driver.fail(5, HOME_IP, request_id)
    driver.fail(5, WORK_IP)
    assert required_wait(driver, WORK_IP, request_id) == HOUR
    assert is_allowed(driver, WORK_IP, HOUR, request_id)


def test_another_delivery_brings_attempts_without_a_wait(driver: VerificationDriver) -> None:
    decision = driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP, decision.delivery.request_id)
    driver.wait(15)
    resend = driver.request(HOME_IP)
    code, request_id = code_of(resend.challenge), resend.delivery.request_id
    assert resend.is_new
    assert driver.verify(code, HOME_IP, request_id).is_correct
