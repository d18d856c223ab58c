"""All attempts that strangers have at one phone in a day, without a success of the owner."""

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    VerificationDriver,
    unknown_ip,
)

pytestmark = pytest.mark.exhaustive


def count_attempts(
    driver: VerificationDriver, client_ip: str, request_id: str | None = None
) -> int:
    """Verify wrong codes until one is not looked at, at most six."""
    for attempts in range(6):
        try:
            driver.fail(1, client_ip, request_id)
        except TooManyAttempts:
            return attempts
    return 6


def count_attempts_of_a_day(driver: VerificationDriver, client_ips: int) -> int:
    """Request in turn from several IPs, and verify with each id and without, at any time."""
    end = driver.copy(after=DAY).now
    before = driver.verification.failures.in_a_row
    turn = 0
    while driver.now < end:
        turn += 1
        client_ip = unknown_ip(turn % client_ips)
        for _ in range(4):
            try:
                decision = driver.request(client_ip)
            except TooManyOtpRequests:
                break
            count_attempts(driver, client_ip, decision.request_id)
        if driver.verification.active_challenges(driver.now):
            count_attempts(driver, client_ip)
            count_attempts(driver, client_ip, "unknown")
        driver.wait(67)
    return driver.verification.failures.in_a_row - before


@pytest.mark.parametrize(("client_ips", "attempts"), [(1, 80), (2, 120), (1300, 120)])
def test_on_the_first_day_strangers_have_about_a_hundred_attempts(
    driver: VerificationDriver, client_ips: int, attempts: int
) -> None:
    assert count_attempts_of_a_day(driver, client_ips) <= attempts


@pytest.mark.parametrize("client_ips", [1, 2, 1300])
def test_on_later_days_each_delivery_brings_one_attempt_for_each_holder(
    driver: VerificationDriver, client_ips: int
) -> None:
    count_attempts_of_a_day(driver, client_ips)
    # The id and the IP of the request, and three ids of requests within the cooldown.
    assert count_attempts_of_a_day(driver, client_ips) <= 12 * 5


def test_the_stored_attempts_do_not_grow_from_day_to_day(driver: VerificationDriver) -> None:
    for _ in range(2):
        count_attempts_of_a_day(driver, 1300)
    driver.deliver(HOME_IP)
    counters = sum(len(delivery.counters) for delivery in driver.verification.deliveries)
    assert len(driver.verification.shared_attempts) <= 30
    assert len(driver.verification.deliveries) <= 12
    assert counters == 0
