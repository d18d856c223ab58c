"""All attempts that strangers have at one phone in a day, without a success of the owner."""

from contextlib import suppress

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from tests.unit.domain.otp.verification_driver import DAY, HOME_IP, VerificationDriver, unknown_ip

pytestmark = pytest.mark.slow


def use_up_attempts(
    driver: VerificationDriver, client_ip: str, request_id: str | None = None
) -> None:
    """Verify wrong codes until one is not looked at, at most six."""
    with suppress(TooManyAttempts):
        driver.fail(6, client_ip, request_id)


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
            use_up_attempts(driver, client_ip, decision.request_id)
        if driver.verification.challenges.active(driver.now):
            use_up_attempts(driver, client_ip)
            use_up_attempts(driver, client_ip, "unknown")
        driver.wait(67)
    return driver.verification.failures.in_a_row - before


@pytest.mark.parametrize(("client_ips", "attempts"), [(1, 80), (2, 120), (1300, 120)])
def test_strangers_have_about_a_hundred_attempts_a_day_and_half_as_many_later(
    driver: VerificationDriver, client_ips: int, attempts: int
) -> None:
    assert count_attempts_of_a_day(driver, client_ips) <= attempts
    # The id and the IP of the request, and three ids of requests within the cooldown.
    assert count_attempts_of_a_day(driver, client_ips) <= 12 * 5
    driver.deliver(HOME_IP)
    # What is stored does not grow from day to day.
    assert len(driver.verification.deliveries.shared_attempts) <= 30
    assert len(driver.verification.deliveries.all) <= 12
    assert not any(delivery.counters for delivery in driver.verification.deliveries.all)
