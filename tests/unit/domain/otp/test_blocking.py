"""A blocked phone gets the responses that any phone gets, but no delivery and no login."""

from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW, a_phone_verification
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
)


@pytest.fixture
def blocked() -> VerificationDriver:
    """A blocked phone that never requested a code."""
    return VerificationDriver(PhoneVerification().block(NOW))


def response(driver: VerificationDriver, client_ip: str) -> object:
    """Request a code. Return what the client sees of the decision."""
    try:
        decision = driver.request(client_ip)
    except TooManyOtpRequests as error:
        return error.retry_after
    return decision.is_new, decision.challenge.expires_at, decision.next_request_at


def test_requests_get_the_same_responses_and_count_as_well(
    driver: VerificationDriver, blocked: VerificationDriver
) -> None:
    for seconds in (0, 1, 14, 15, 30, 900):
        driver.wait(seconds)
        blocked.wait(seconds)
        for client_ip in (HOME_IP, WORK_IP):
            assert response(blocked, client_ip) == response(driver, client_ip)
    assert len(blocked.verification.deliveries) > 3
    assert blocked.verification.unblock() == driver.verification


def test_a_delivery_to_a_blocked_phone_is_suppressed(
    driver: VerificationDriver, blocked: VerificationDriver
) -> None:
    assert driver.request().should_deliver
    decision = blocked.request()
    assert (decision.is_new, decision.is_suppressed, decision.should_deliver) == (True, True, False)


def test_a_reference_to_a_delivery_is_not_delivered_either(driver: VerificationDriver) -> None:
    driver.request()
    repeated = driver.request()
    assert (repeated.is_suppressed, repeated.should_deliver) == (False, False)


def test_a_code_that_was_delivered_before_the_block_counts_as_wrong(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    driver.verification = driver.verification.block(driver.now)
    code, request_id = code_of(decision.challenge), decision.delivery.request_id
    results = []
    for _ in range(5):
        results.append(driver.verify(code, request_id=request_id))
        driver.wait(10)
    assert [(result.is_correct, result.attempts_left) for result in results] == [
        (False, attempts_left) for attempts_left in (4, 3, 2, 1, 0)
    ]
    with pytest.raises(TooManyAttempts):
        driver.verify(code, request_id=request_id)


def test_a_correct_code_is_not_used_and_makes_no_ip_trusted(driver: VerificationDriver) -> None:
    decision = driver.request()
    driver.verification = driver.verification.block(driver.now)
    assert not driver.verify(code_of(decision.challenge), WORK_IP).is_correct
    assert [challenge.used_at for challenge in driver.verification.challenges] == [None]
    assert driver.verification.trusted_ips == ()


def test_after_the_block_a_code_is_valid_to_its_end(driver: VerificationDriver) -> None:
    code = code_of(driver.request().challenge)
    driver.verification = driver.verification.block(driver.now)
    assert not driver.verify(code).is_correct
    driver.verification = driver.verification.unblock()
    assert driver.copy(after=299).verify(code).is_correct
    assert not driver.copy(after=300).verify(code).is_correct


def test_attempts_during_the_block_stay_counted(blocked: VerificationDriver) -> None:
    request_id = blocked.request().delivery.request_id
    blocked.fail(5, request_id=request_id)
    blocked.verification = blocked.verification.unblock()
    with pytest.raises(TooManyAttempts):
        blocked.fail(1, request_id=request_id)


def test_after_the_block_a_suppressed_code_is_delivered_on_request(
    blocked: VerificationDriver,
) -> None:
    suppressed = blocked.request()
    blocked.verification = blocked.verification.unblock()
    blocked.wait(15)
    decision = blocked.request()
    assert decision.should_deliver
    assert decision.challenge == suppressed.challenge


def test_a_second_block_keeps_the_time_of_the_first() -> None:
    verification = PhoneVerification().block(NOW)
    assert verification.block(NOW + timedelta(days=1)) is verification
    assert verification.blocked_at == NOW


def test_unblocking_a_phone_that_is_not_blocked_changes_nothing() -> None:
    verification = a_phone_verification()
    assert verification.unblock() is verification


def test_only_unblocking_ends_a_block(driver: VerificationDriver) -> None:
    driver.verification = driver.verification.block(NOW)
    decision = driver.request()
    driver.fail(1)
    driver.verification = (
        driver.verification.cancel_delivery(decision.delivery.request_id)
        .assign_identity("identity-id")
        .assign_identity(None)
        .drop_challenges_without_key(lambda _: False)
    )
    driver.wait(days=400)
    driver.request()
    assert driver.verification.blocked_at == NOW
