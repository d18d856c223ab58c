"""Requests for a code: deliveries, references to an earlier delivery, and limits per phone."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.delivery import OtpRequest
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import Recognition
from tests.support.builders import NOW, a_challenge, a_hashed_ip
from tests.unit.domain.otp.verification_driver import (
    DAY,
    DEVICE,
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)

FIFTEEN_MINUTES = 15 * 60


def recognize(driver: VerificationDriver, client_ip: str) -> Recognition:
    """Return how a request is recognized, with the device of the driver or without."""
    request = OtpRequest(a_hashed_ip(client_ip), driver.now, a_challenge(), "new", driver.device)
    return driver.verification.recognize(request)


def test_a_request_is_recognized_by_the_device_or_the_ip_of_a_login(
    driver: VerificationDriver,
) -> None:
    assert recognize(driver, HOME_IP) is Recognition.NONE
    driver.log_in(HOME_IP)
    assert recognize(driver, HOME_IP) is Recognition.TRUSTED_IP
    assert recognize(driver, WORK_IP) is Recognition.NONE
    assert recognize(driver.copy(after=90 * DAY), HOME_IP) is Recognition.NONE
    driver.device = DEVICE
    assert recognize(driver, HOME_IP) is Recognition.DEVICE
    assert recognize(driver, WORK_IP) is Recognition.DEVICE
    driver.verification = driver.verification.assign_identity(None)
    assert recognize(driver, HOME_IP) is Recognition.NONE


# References


def test_within_the_cooldown_a_request_refers_to_the_delivery(driver: VerificationDriver) -> None:
    first = driver.request()
    assert first.is_new
    assert driver.verification.deliveries == (first.delivery,)
    driver.wait(4)
    for client_ip in (HOME_IP, WORK_IP):
        repeated = driver.request(client_ip)
        assert (repeated.is_new, repeated.challenge) == (False, first.challenge)
        assert repeated.delivery.request_id == first.request_id != repeated.request_id
        assert (repeated.next_request_at - driver.now).total_seconds() == 11


def test_strangers_do_not_use_up_the_references_of_a_device(driver: VerificationDriver) -> None:
    driver.log_in(HOME_IP)
    for number in range(4):
        driver.request(unknown_ip(number))
    driver.device = DEVICE
    assert [driver.request(WORK_IP).is_new for _ in range(3)] == [False] * 3
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)


def test_without_an_active_code_a_request_within_the_cooldown_is_rejected(
    driver: VerificationDriver,
) -> None:
    driver.policy = DeliveryPolicy(cooldown=timedelta(minutes=6))
    driver.request()
    driver.wait(minutes=5)
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request()
    assert error.value.retry_after == 60


def test_by_default_a_request_is_not_limited() -> None:
    request = OtpRequest(a_hashed_ip(HOME_IP), NOW, a_challenge(), "request")
    _, decision = PhoneVerification().request_delivery(request, DeliveryPolicy())
    assert (decision.delivery.attempt_limit, decision.delivery.uses_own_quota) == (5, False)


# Limits


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


@pytest.mark.parametrize(
    ("client_ips", "seconds", "deliveries"),
    [
        ([HOME_IP], FIFTEEN_MINUTES, 5),
        ([HOME_IP], DAY, 6),
        (["203.0.113.8", HOME_IP], FIFTEEN_MINUTES, 5),
        (["2001:db8:1:1::/64", "2001:db8:1:2::/64"], DAY, 6),
        ([unknown_ip(number) for number in range(20)], FIFTEEN_MINUTES, 6),
        ([unknown_ip(number) for number in range(20)], DAY, 12),
    ],
)
def test_a_network_gets_a_part_of_the_deliveries_of_a_phone(
    driver: VerificationDriver, client_ips: list[str], seconds: int, deliveries: int
) -> None:
    assert count_deliveries(driver, seconds, *client_ips) == deliveries


# Resends


def test_a_resend_carries_the_same_code_and_does_not_extend_its_life(
    driver: VerificationDriver,
) -> None:
    first = driver.request(HOME_IP)
    for client_ip, seconds in ((HOME_IP, 60), (WORK_IP, 180)):
        driver.wait(seconds)
        resend = driver.request(client_ip)
        assert (resend.is_new, resend.challenge) == (True, first.challenge)
        assert resend.delivery.request_id != first.delivery.request_id
    assert driver.verification.challenges == (first.challenge,)
    # A used code is not sent again.
    assert driver.verify(code_of(first.challenge)).is_correct
    assert driver.copy(after=1).request().challenge.id != first.challenge.id


def test_with_less_than_a_minute_left_a_new_code_is_made_and_the_old_one_stays_valid(
    driver: VerificationDriver,
) -> None:
    first = driver.request()
    driver.wait(240.001)
    second = driver.request()
    assert (second.challenge.expires_at - driver.now).total_seconds() == 300
    old_code, new_code = code_of(first.challenge), code_of(second.challenge)
    for seconds, is_old_correct in ((59.998, True), (59.999, False)):
        assert driver.copy(after=seconds).verify(old_code).is_correct == is_old_correct
        assert driver.copy(after=seconds).verify(new_code).is_correct
    driver.wait(20)
    assert driver.request().challenge == second.challenge


def test_a_later_id_has_two_attempts_of_its_own_kind(driver: VerificationDriver) -> None:
    driver.log_in(HOME_IP)
    driver.request(HOME_IP)
    for device, kind in ((None, CounterKind.LATER_REQUEST), (DEVICE, CounterKind.DEVICE_REQUEST)):
        driver.device = device
        decision = driver.request(WORK_IP)
        counter = decision.delivery.counter_of_request(decision.request_id)
        assert counter == AttemptCounter(kind, decision.request_id, 2)
