"""All attempts at one phone in a day: at most 30 shared ones and 5 for each of 10 deliveries."""

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    VerificationDriver,
    unknown_ip,
)

pytestmark = pytest.mark.exhaustive

MAX_SHARED_ATTEMPTS = 30
MAX_ATTEMPTS = MAX_SHARED_ATTEMPTS + 5 * 10


def count_attempts(
    driver: VerificationDriver, client_ip: str, request_id: str | None = None
) -> int:
    """Verify a wrong code until an attempt is rejected, at most six times."""
    for attempts in range(6):
        try:
            driver.fail(1, client_ip, request_id)
        except TooManyAttempts:
            return attempts
    return 6


def count_attempts_of_a_day(driver: VerificationDriver, client_ips: int) -> int:
    """Request and verify in turn from several IPs, with request ids and without."""
    end = driver.copy(after=DAY).now
    attempts, turn = 0, 0
    while driver.now < end:
        turn += 1
        client_ip = unknown_ip(turn % client_ips)
        try:
            decision = driver.request(client_ip)
        except TooManyOtpRequests:
            decision = None
        if decision and turn % 2:
            attempts += count_attempts(driver, client_ip, decision.delivery.request_id)
        attempts += count_attempts(driver, client_ip)
        attempts += count_attempts(driver, client_ip, "unknown")
        driver.wait(67)
    return attempts


@pytest.mark.parametrize("client_ips", [1, 2, 7])
def test_no_number_of_ips_gets_more_attempts(driver: VerificationDriver, client_ips: int) -> None:
    assert 0 < count_attempts_of_a_day(driver, client_ips) <= MAX_ATTEMPTS


def test_many_ips_get_all_attempts(driver: VerificationDriver) -> None:
    assert count_attempts_of_a_day(driver, 1300) == MAX_ATTEMPTS


def test_a_phone_without_requests_has_shared_attempts_only(driver: VerificationDriver) -> None:
    attempts = 0
    for number in range(DAY // 60):
        attempts += count_attempts(driver, unknown_ip(number))
        driver.wait(60)
    assert attempts == MAX_SHARED_ATTEMPTS


def test_the_stored_attempts_do_not_grow_from_day_to_day(driver: VerificationDriver) -> None:
    for _ in range(2):
        count_attempts_of_a_day(driver, 1300)
    driver.deliver(HOME_IP)
    attempts = driver.verification.unbound_attempts
    stored = len(attempts.by_ip) + len(attempts.shared) + len(driver.verification.deliveries)
    assert len(attempts.shared) <= MAX_SHARED_ATTEMPTS
    assert stored <= 2 * MAX_ATTEMPTS
