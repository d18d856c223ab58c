"""Requests for a code: deliveries, references to an earlier delivery, and limits per phone."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.attempt_counters import CounterKind
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


# Recognition


def recognize(driver: VerificationDriver, client_ip: str) -> Recognition:
    """Return how a request is recognized, with the device of the driver or without."""
    request = OtpRequest(a_hashed_ip(client_ip), driver.now, a_challenge(), "new", driver.device)
    return driver.verification.recognize(request)


def test_a_request_is_recognized_by_device_token_or_by_the_ip_of_a_login(
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


def test_a_request_for_a_phone_without_an_identity_is_not_recognized(
    driver: VerificationDriver,
) -> None:
    driver.log_in(HOME_IP)
    driver.device = DEVICE
    driver.verification = driver.verification.assign_identity(None)
    assert recognize(driver, HOME_IP) is Recognition.NONE


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
    assert repeated.delivery.request_id == first.request_id
    assert repeated.challenge == first.challenge


def test_a_reference_says_when_the_next_delivery_is_allowed(driver: VerificationDriver) -> None:
    driver.request()
    driver.wait(4)
    repeated = driver.request()
    assert (repeated.next_request_at - driver.now).total_seconds() == 11


def test_each_reference_has_an_id_of_its_own_for_every_ip(driver: VerificationDriver) -> None:
    decisions = [driver.request(client_ip) for client_ip in (HOME_IP, HOME_IP, WORK_IP)]
    assert [decision.is_new for decision in decisions] == [True, False, False]
    assert len({decision.request_id for decision in decisions}) == 3


def test_ids_of_recognized_devices_are_counted_apart(driver: VerificationDriver) -> None:
    driver.log_in(HOME_IP)
    driver.request(HOME_IP)
    later = driver.request(WORK_IP)
    driver.device = DEVICE
    of_device = driver.request(WORK_IP)
    for decision, kind in (
        (later, CounterKind.LATER_REQUEST),
        (of_device, CounterKind.DEVICE_REQUEST),
    ):
        counter = decision.delivery.counter_of_request(decision.request_id)
        assert counter is not None
        assert counter.kind is kind


def test_the_fourth_reference_to_a_delivery_is_rejected(driver: VerificationDriver) -> None:
    for number in range(4):
        driver.request(unknown_ip(number))
    driver.wait(4)
    before = driver.verification
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(HOME_IP)
    assert error.value.retry_after == 11
    assert driver.verification is before


def test_strangers_do_not_use_up_the_references_of_a_recognized_device(
    driver: VerificationDriver,
) -> None:
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


def test_at_the_limit_a_request_refers_to_the_delivery_until_the_cooldown_ends(
    driver: VerificationDriver,
) -> None:
    for _ in range(5):
        driver.deliver()
    driver.wait(1)
    repeated = driver.request()
    sent = driver.verification.deliveries
    assert not repeated.is_new
    assert repeated.next_request_at == sent[0].sent_at + timedelta(minutes=15)
    driver.wait(60)
    with pytest.raises(TooManyOtpRequests):
        driver.request()


def test_by_default_a_request_is_not_limited() -> None:
    request = OtpRequest(a_hashed_ip(HOME_IP), NOW, a_challenge(), "request")
    _, decision = PhoneVerification().request_delivery(request, DeliveryPolicy())
    assert decision.delivery.attempt_limit == 5


# Limits


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


def test_an_ip_gets_the_next_delivery_when_the_first_is_fifteen_minutes_old(
    driver: VerificationDriver,
) -> None:
    sent = [driver.deliver().delivery.sent_at for _ in range(6)]
    assert (sent[5] - sent[0]).total_seconds() == FIFTEEN_MINUTES


def test_a_phone_gets_the_next_delivery_when_the_first_is_fifteen_minutes_old(
    driver: VerificationDriver,
) -> None:
    sent = [driver.deliver(unknown_ip(number)).delivery.sent_at for number in range(7)]
    assert (sent[6] - sent[0]).total_seconds() == FIFTEEN_MINUTES


def test_requests_above_the_limit_are_not_recorded(driver: VerificationDriver) -> None:
    for _ in range(5):
        driver.deliver(HOME_IP)
    driver.wait(60)
    before = driver.verification
    with pytest.raises(TooManyOtpRequests):
        driver.request(HOME_IP)
    assert driver.verification is before
    assert driver.request(WORK_IP).is_new


def test_a_correct_code_does_not_reset_the_limits(driver: VerificationDriver) -> None:
    for number in range(6):
        driver.deliver(unknown_ip(number))
    code = code_of(driver.verification.challenges[-1])
    assert driver.verify(code, unknown_ip(0)).is_correct
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)
