"""Failures in a row: after fifty a delivery brings one attempt, until a success."""

from contextlib import suppress
from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests, TooManyResets
from domain.otp.delivery import DeviceProof
from domain.otp.failures import MAX_FAILURES_IN_A_ROW, DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW
from tests.unit.domain.otp.verification_driver import (
    DAY,
    DEVICE,
    HOME_IP,
    IDENTITY_ID,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)


@pytest.fixture
def driver() -> VerificationDriver:
    """A phone with an identity."""
    driver = VerificationDriver()
    driver.log_in(HOME_IP)
    return driver


def fail_fifty_times(driver: VerificationDriver) -> None:
    """Verify wrong codes from unknown IPs, after a delivery."""
    driver.deliver(unknown_ip(1))
    for number in range(2, 100):
        with suppress(TooManyAttempts):
            driver.fail(1, unknown_ip(number))
    assert driver.verification.failures.in_a_row == 50


def test_after_fifty_failures_a_new_delivery_brings_one_attempt_without_a_longer_wait(
    driver: VerificationDriver,
) -> None:
    before = driver.request(HOME_IP)
    driver.wait(15)
    fail_fifty_times(driver)
    assert driver.copy().fail(5, HOME_IP, before.request_id) == [4, 3, 2, 1, 0]
    driver.wait(15)
    decision, later = driver.request(WORK_IP), driver.request(WORK_IP)
    assert decision.is_new
    with pytest.raises(TooManyAttempts):
        driver.fail(1, unknown_ip(100))
    assert driver.copy().fail(1, WORK_IP) == [0]
    assert driver.copy().fail(1, WORK_IP, later.request_id) == [0]
    assert driver.fail(1, WORK_IP, decision.request_id) == [0]
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), WORK_IP, decision.request_id)


def test_time_does_not_reset_failures_and_a_success_does(driver: VerificationDriver) -> None:
    fail_fifty_times(driver)
    driver.wait(days=400)
    decision = driver.deliver(HOME_IP)
    assert decision.delivery.attempt_limit == 1
    assert driver.accepts(code_of(decision.challenge), HOME_IP)
    driver.wait(1)
    assert driver.request(HOME_IP).delivery.attempt_limit == 5


# Recognized devices


def test_a_device_has_five_attempts_that_nobody_else_uses_up(driver: VerificationDriver) -> None:
    fail_fifty_times(driver)
    driver.device = DeviceProof("another", IDENTITY_ID)
    assert driver.fail(5, WORK_IP) == [4, 3, 2, 1, 0]
    driver.device = DEVICE
    assert driver.fail(4, WORK_IP) == [4, 3, 2, 1]
    assert driver.accepts(code_of(driver.verification.challenges.all[-1]), WORK_IP)
    failures = driver.verification.failures.by_device
    assert [(device.device_id, device.count) for device in failures] == [("another", 5)]


def test_a_device_that_failed_too_often_or_of_another_identity_is_not_recognized(
    driver: VerificationDriver,
) -> None:
    for device, is_recognized in (
        *[(DEVICE, True)] * 4,
        (DEVICE, False),
        (DeviceProof("another", "another identity"), False),
    ):
        driver.device = device
        assert (driver.deliver(WORK_IP).delivery.device_id is not None) == is_recognized
        driver.fail(5, WORK_IP)


def test_a_device_with_a_request_id_counts_on_both_and_has_what_is_left_of_either(
    driver: VerificationDriver,
) -> None:
    request_id = driver.deliver(HOME_IP).request_id
    assert driver.fail(3, HOME_IP, request_id) == [4, 3, 2]
    driver.device = DEVICE
    assert driver.fail(4, WORK_IP) == [4, 3, 2, 1]
    assert driver.fail(2, WORK_IP, request_id) == [1, 0]
    for sent_id in (request_id, None):
        with pytest.raises(TooManyAttempts):
            driver.fail(1, WORK_IP, sent_id)


def test_a_device_counts_on_the_latest_delivery(driver: VerificationDriver) -> None:
    driver.wait(minutes=6)
    for client_ip in (HOME_IP, WORK_IP):
        driver.deliver(client_ip)
    driver.device = DEVICE
    driver.fail(1, HOME_IP)
    counters = [each.counter_of_device("a-device") for each in driver.verification.deliveries.all]
    assert [counter.used for counter in counters[-2:]] == [0, 1]


# Resets of the limits by operators


def reset(driver: VerificationDriver) -> None:
    driver.verification = driver.verification.reset_limits(driver.now)


def test_after_a_reset_a_code_is_sent_at_once_and_the_limits_of_the_phone_count_again() -> None:
    driver = VerificationDriver()
    for _ in range(2):
        driver.use_up_deliveries()
        assert driver.verification.deliveries.all[-1].is_reset is False
        with pytest.raises(TooManyOtpRequests):
            driver.copy(after=3600).request(WORK_IP)
        reset(driver)
    assert driver.request(WORK_IP).is_new
    assert driver.copy(after=15).request(WORK_IP).is_new  # the cooldown is not doubled
    # Operators see the deliveries before the reset.
    deliveries = driver.verification.deliveries.all
    assert [delivery.is_reset for delivery in deliveries][-2:] == [True, False]
    assert driver.verification.prune(driver.now + timedelta(days=1)).deliveries.all == ()


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


def test_a_reset_leaves_at_most_fifty_failures_and_none_of_a_device() -> None:
    of_device = DeviceFailures(DEVICE.device_id, 20, NOW)
    failures = Failures(MAX_FAILURES_IN_A_ROW + 7, NOW, (of_device,))
    driver = VerificationDriver(PhoneVerification(failures=failures, identity_id=IDENTITY_ID))
    driver.device = DEVICE
    assert driver.copy().deliver().delivery.device_id is None

    reset(driver)

    assert driver.verification.failures == Failures(MAX_FAILURES_IN_A_ROW, NOW)
    assert driver.deliver().delivery.device_id == DEVICE.device_id
    assert driver.deliver().delivery.attempt_limit == 1


def test_a_reset_brings_no_attempts_at_a_code_that_was_sent_before() -> None:
    driver = VerificationDriver()
    decision = driver.deliver()
    assert driver.fail(5, request_id=decision.request_id)[-1] == 0

    reset(driver)

    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), request_id=decision.request_id)
