from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests, TooManyResets
from domain.otp.delivery import ATTEMPTS_PER_DELIVERY
from domain.otp.failures import MAX_FAILURES_AFTER_RESET, MAX_FAILURES_IN_A_ROW, Failures
from domain.otp.phone_verification import PhoneVerification
from tests.unit.domain.otp.verification_driver import (
    DAY,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)


def reset(driver: VerificationDriver) -> None:
    driver.verification = driver.verification.reset_limits(driver.now)


def use_up_deliveries(driver: VerificationDriver) -> None:
    """Request from several networks until the phone's limit of a day is used up."""
    for number in range(12):
        driver.deliver(unknown_ip(number))


def with_failures(count: int) -> VerificationDriver:
    return VerificationDriver(PhoneVerification(failures=Failures(in_a_row=count)))


def test_after_a_reset_a_code_is_sent_at_once_and_the_limits_of_the_phone_count_again() -> None:
    driver = VerificationDriver()
    for _ in range(2):
        use_up_deliveries(driver)
        assert driver.verification.deliveries[-1].is_reset is False
        with pytest.raises(TooManyOtpRequests):
            driver.copy(after=3600).request(WORK_IP)
        reset(driver)
    assert driver.request(WORK_IP).is_new
    assert driver.copy(after=15).request(WORK_IP).is_new  # the cooldown is not doubled
    # Operators see the deliveries before the reset.
    assert [delivery.is_reset for delivery in driver.verification.deliveries][-2:] == [True, False]
    assert driver.verification.prune(driver.now + timedelta(days=1)).deliveries == ()


def test_a_phone_is_reset_twice_a_day_and_the_error_says_when_again() -> None:
    driver = VerificationDriver()
    reset(driver)
    driver.wait(60)
    reset(driver)
    driver.wait(60)
    with pytest.raises(TooManyResets) as caught:
        reset(driver)
    assert caught.value.retry_after == DAY - 120

    driver.wait(caught.value.retry_after)
    reset(driver)


@pytest.mark.parametrize(
    ("failures", "is_limited", "wait", "attempts"),
    [
        pytest.param(MAX_FAILURES_IN_A_ROW, False, 0, [5, 1], id="after many failures"),
        pytest.param(MAX_FAILURES_IN_A_ROW, False, DAY, [1, 1], id="a day later"),
        pytest.param(0, True, 0, [5, 2], id="while a shared limit is used up"),
        pytest.param(MAX_FAILURES_AFTER_RESET - 4, False, 0, [1, 1], id="a hundred failures"),
    ],
)
def test_one_delivery_after_a_reset_has_all_attempts(
    failures: int, is_limited: bool, wait: int, attempts: list[int]
) -> None:
    driver = with_failures(failures)
    driver.is_limited = is_limited
    reset(driver)
    driver.wait(wait)
    assert [driver.deliver().delivery.attempt_limit for _ in range(2)] == attempts
    assert driver.verification.failures.in_a_row == failures


def test_what_was_allowed_is_allowed_again_if_no_provider_accepts_it() -> None:
    driver = with_failures(MAX_FAILURES_IN_A_ROW)
    reset(driver)
    rejected = driver.deliver().delivery
    driver.verification = driver.verification.reject_delivery(rejected.request_id, "acme", "busy")

    assert driver.deliver().delivery.attempt_limit == ATTEMPTS_PER_DELIVERY


def test_a_reset_brings_no_attempts_at_a_code_that_was_sent_before() -> None:
    driver = VerificationDriver()
    decision = driver.deliver()
    assert driver.fail(5, request_id=decision.request_id)[-1] == 0

    reset(driver)

    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), request_id=decision.request_id)
