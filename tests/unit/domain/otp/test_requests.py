"""Requests for a code: deliveries, references to an earlier delivery, and limits per phone."""

import pytest

from domain.errors import TooManyOtpRequests
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)

FIFTEEN_MINUTES = 15 * 60


def count_deliveries(driver: VerificationDriver, seconds: int, *client_ips: str) -> int:
    """Request a code from each IP as soon as its last response allows. Count the deliveries."""
    end = driver.copy(after=seconds).now
    deliveries = 0
    while driver.now < end:
        next_requests = []
        for client_ip in client_ips:
            try:
                decision = driver.request(client_ip)
            except TooManyOtpRequests as error:
                next_requests.append(driver.copy(after=error.retry_after).now)
                continue
            deliveries += decision.is_new
            next_requests.append(decision.next_request_at)
        driver.now = min(next_requests)
    return deliveries


# References


def test_the_first_request_causes_a_delivery(driver: VerificationDriver) -> None:
    decision = driver.request()
    assert decision.is_new
    assert driver.verification.deliveries == (decision.delivery,)


def test_a_repeated_request_refers_to_the_delivery(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(14)
    repeated = driver.request()
    assert not repeated.is_new
    assert repeated.delivery == first.delivery
    assert repeated.challenge == first.challenge


def test_a_reference_says_when_the_next_delivery_is_allowed(driver: VerificationDriver) -> None:
    driver.request()
    driver.wait(4)
    repeated = driver.request()
    assert (repeated.next_request_at - driver.now).total_seconds() == 11


def test_a_reference_changes_nothing(driver: VerificationDriver) -> None:
    driver.request()
    before = driver.verification
    driver.request()
    assert driver.verification is before


def test_a_request_from_another_ip_is_rejected_within_the_cooldown(
    driver: VerificationDriver,
) -> None:
    driver.request(HOME_IP)
    driver.wait(4)
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(WORK_IP)
    assert error.value.retry_after == 11


def test_a_rejected_request_changes_nothing(driver: VerificationDriver) -> None:
    driver.request(HOME_IP)
    before = driver.verification
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)
    assert driver.verification is before


def test_after_the_delivery_to_another_ip_a_request_is_rejected(
    driver: VerificationDriver,
) -> None:
    driver.request(HOME_IP)
    driver.wait(15)
    driver.request(WORK_IP)
    driver.wait(1)
    with pytest.raises(TooManyOtpRequests):
        driver.request(HOME_IP)


def test_no_request_refers_to_a_used_code(driver: VerificationDriver) -> None:
    decision = driver.request()
    assert driver.verify(code_of(decision.challenge)).is_correct
    driver.wait(5)
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request()
    assert error.value.retry_after == 10


def test_at_the_limit_a_request_refers_to_the_delivery_until_the_cooldown_ends(
    driver: VerificationDriver,
) -> None:
    for _ in range(3):
        driver.deliver()
    driver.wait(14)
    assert not driver.request().is_new
    driver.wait(1)
    with pytest.raises(TooManyOtpRequests):
        driver.request()


def test_a_reference_at_the_limit_says_when_the_limit_allows_a_delivery(
    driver: VerificationDriver,
) -> None:
    for _ in range(3):
        driver.deliver()
    driver.wait(1)
    repeated = driver.request()
    assert (repeated.next_request_at - driver.now).total_seconds() == FIFTEEN_MINUTES - 31


# Limits


def test_one_ip_gets_three_deliveries_in_fifteen_minutes(driver: VerificationDriver) -> None:
    assert count_deliveries(driver, FIFTEEN_MINUTES, HOME_IP) == 3


def test_one_ip_gets_five_deliveries_a_day(driver: VerificationDriver) -> None:
    assert count_deliveries(driver, DAY, HOME_IP) == 5


def test_all_ips_together_get_five_deliveries_in_fifteen_minutes(
    driver: VerificationDriver,
) -> None:
    assert count_deliveries(driver, FIFTEEN_MINUTES, *map(unknown_ip, range(20))) == 5


def test_all_ips_together_get_ten_deliveries_a_day(driver: VerificationDriver) -> None:
    assert count_deliveries(driver, DAY, *map(unknown_ip, range(20))) == 10


def test_the_sixth_delivery_to_a_phone_is_allowed_after_fifteen_minutes(
    driver: VerificationDriver,
) -> None:
    sent = [driver.deliver(unknown_ip(number)).delivery.sent_at for number in range(6)]
    assert (sent[5] - sent[0]).total_seconds() == FIFTEEN_MINUTES


def test_the_fourth_delivery_to_an_ip_is_allowed_after_fifteen_minutes(
    driver: VerificationDriver,
) -> None:
    sent = [driver.deliver().delivery.sent_at for _ in range(4)]
    assert (sent[3] - sent[0]).total_seconds() == FIFTEEN_MINUTES


def test_an_ip_at_its_limit_does_not_limit_another(driver: VerificationDriver) -> None:
    for _ in range(3):
        driver.deliver(HOME_IP)
    driver.wait(15)
    with pytest.raises(TooManyOtpRequests):
        driver.request(HOME_IP)
    assert driver.request(WORK_IP).is_new


def test_requests_above_the_limit_are_not_recorded(driver: VerificationDriver) -> None:
    for _ in range(3):
        driver.deliver()
    driver.wait(15)
    before = driver.verification
    for _ in range(100):
        with pytest.raises(TooManyOtpRequests):
            driver.request()
    assert driver.verification is before


def test_a_correct_code_does_not_reset_the_limits(driver: VerificationDriver) -> None:
    for number in range(5):
        driver.deliver(unknown_ip(number))
    code = code_of(driver.verification.challenges[0])
    assert driver.verify(code, unknown_ip(0)).is_correct
    driver.wait(120)
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)
