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


def test_after_a_reset_a_code_is_sent_at_once_although_the_day_was_used_up() -> None:
    driver = VerificationDriver()
    use_up_deliveries(driver)
    driver.wait(3600)
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)

    reset(driver)

    assert driver.request(WORK_IP).is_new


def test_a_reset_ends_the_cooldown_and_its_doubling() -> None:
    driver = VerificationDriver()
    for _ in range(5):
        driver.deliver(WORK_IP)
    assert not driver.request(WORK_IP).is_new

    reset(driver)

    assert driver.request(WORK_IP).is_new
    assert driver.copy(after=15).request(WORK_IP).is_new


def test_the_limits_of_the_phone_count_again_after_a_reset() -> None:
    driver = VerificationDriver()
    use_up_deliveries(driver)
    reset(driver)

    use_up_deliveries(driver)

    driver.wait(3600)
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)


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


def test_after_many_failures_one_delivery_has_all_attempts_and_the_next_has_one() -> None:
    driver = with_failures(MAX_FAILURES_IN_A_ROW)
    reset(driver)

    granted, next_one = driver.deliver(), driver.deliver()

    attempts = [decision.delivery.attempt_limit for decision in (granted, next_one)]
    assert attempts == [ATTEMPTS_PER_DELIVERY, 1]
    assert driver.verification.failures.in_a_row == MAX_FAILURES_IN_A_ROW


def test_one_delivery_has_all_attempts_while_a_shared_limit_is_used_up() -> None:
    driver = VerificationDriver(is_limited=True)
    reset(driver)
    assert driver.deliver().delivery.attempt_limit == ATTEMPTS_PER_DELIVERY


def test_resets_never_lead_to_more_than_a_hundred_failures_in_a_row() -> None:
    driver = with_failures(MAX_FAILURES_AFTER_RESET - ATTEMPTS_PER_DELIVERY + 1)
    reset(driver)
    assert driver.deliver().delivery.attempt_limit == 1


def test_what_was_allowed_is_allowed_again_if_no_provider_accepts_it() -> None:
    driver = with_failures(MAX_FAILURES_IN_A_ROW)
    reset(driver)
    rejected = driver.deliver().delivery
    driver.verification = driver.verification.reject_delivery(rejected.request_id, "acme", "busy")

    assert driver.deliver().delivery.attempt_limit == ATTEMPTS_PER_DELIVERY


def test_what_was_allowed_ends_after_a_day() -> None:
    driver = with_failures(MAX_FAILURES_IN_A_ROW)
    reset(driver)
    driver.wait(DAY)
    assert driver.deliver().delivery.attempt_limit == 1


def test_a_reset_brings_no_attempts_at_a_code_that_was_sent_before() -> None:
    driver = VerificationDriver()
    decision = driver.deliver()
    assert driver.fail(5, request_id=decision.request_id)[-1] == 0

    reset(driver)

    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), request_id=decision.request_id)


def test_reset_deliveries_stay_for_operators_to_see() -> None:
    driver = VerificationDriver()
    driver.deliver()
    reset(driver)
    [delivery] = driver.verification.deliveries
    assert delivery.is_reset
    assert driver.verification.prune(driver.now + timedelta(days=1)).deliveries == ()
