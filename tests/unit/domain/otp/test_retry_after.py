"""The wait of a rejected request or attempt is exact: it is allowed then, and no second earlier.

The model of a phone proves that in most situations. Here are the times that it rarely meets.
"""

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
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    unknown_ip,
)


def required_wait(driver: VerificationDriver, client_ip: str, after: float = 0) -> int:
    """Return the wait of a request after these seconds, 0 if it causes a delivery."""
    try:
        decision = driver.copy(after=after).request(client_ip)
    except TooManyOtpRequests as error:
        return error.retry_after
    return 0 if decision.is_new else whole_seconds(driver.now, decision.next_request_at)


def test_a_delivery_is_allowed_after_the_wait_if_the_ip_is_not_trusted_anymore_by_then(
    driver: VerificationDriver,
) -> None:
    driver.log_in(HOME_IP)
    driver.wait(90 * DAY - 90 * 60)
    for number in range(12):
        driver.deliver(unknown_ip(number))
    for _ in range(3):
        driver.deliver(HOME_IP)
    wait = required_wait(driver, HOME_IP)
    assert wait > 1
    assert required_wait(driver, HOME_IP, wait - 1) > 0
    assert required_wait(driver, HOME_IP, wait) == 0


@pytest.mark.parametrize("seconds", [0.001, 0.999, 1.001, 14.001])
def test_the_wait_is_rounded_up_to_whole_seconds(
    driver: VerificationDriver, seconds: float
) -> None:
    driver.deliver(HOME_IP)
    driver.wait(15 - seconds)
    wait = required_wait(driver, WORK_IP)
    assert wait - 1 < seconds <= wait


def test_without_attempts_left_a_request_id_waits_until_its_own_code_expires(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.wait(250)
    request_id = driver.deliver(HOME_IP).request_id
    driver.fail(5, HOME_IP, request_id)
    driver.wait(4)
    with pytest.raises(TooManyAttempts) as error:
        driver.fail(1, HOME_IP, request_id)
    assert error.value.retry_after == 300 - 4


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
