"""A trusted IP, where the phone logged in before, has a quota that others cannot use up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.otp.delivery_policy import Requester
from domain.otp.phone_verification import TrustedIp
from tests.support.builders import NOW, a_hashed_ip
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    HOUR,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)


@pytest.fixture
def trusted(driver: VerificationDriver) -> VerificationDriver:
    """A phone that logged in from `HOME_IP` two days ago."""
    driver.log_in(HOME_IP)
    driver.wait(days=2)
    return driver


def test_after_all_deliveries_to_strangers_the_quota_is_three_an_hour(
    trusted: VerificationDriver,
) -> None:
    for number in range(12):
        trusted.deliver(unknown_ip(number))
    deliveries = [trusted.deliver(HOME_IP).delivery for _ in range(4)]
    assert all(delivery.uses_own_quota for delivery in deliveries)
    assert (deliveries[3].sent_at - deliveries[0].sent_at).total_seconds() == HOUR


def test_the_quota_is_used_after_the_phone_limit_and_does_not_count_against_it(
    trusted: VerificationDriver,
) -> None:
    deliveries = [trusted.deliver(HOME_IP).delivery for _ in range(7)]
    assert [delivery.uses_own_quota for delivery in deliveries] == [False] * 5 + [True] * 2
    trusted.wait(240)
    assert trusted.request(unknown_ip(1)).is_new


def test_an_ip_is_trusted_for_ninety_days_after_its_last_login() -> None:
    requester = Requester(a_hashed_ip(HOME_IP), (), trusted_until=NOW)
    assert requester.has_own_quota(NOW - timedelta(seconds=1))
    assert not requester.has_own_quota(NOW)


def test_deliveries_to_a_device_at_the_ip_do_not_count(trusted: VerificationDriver) -> None:
    delivery = trusted.deliver(HOME_IP).delivery
    of_device = replace(delivery, device_id="one")
    requester = Requester(a_hashed_ip(HOME_IP), (delivery, of_device))
    assert requester.own_deliveries(trusted.now) == [delivery]


def test_a_login_makes_only_its_own_ip_trusted_and_lists_it_once(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.fail(4, HOME_IP)
    assert list(driver.verification.trusted_ips) == []
    for _ in range(2):
        decision = driver.deliver(HOME_IP)
        driver.wait(30)
        assert driver.verify(code_of(decision.challenge), WORK_IP).is_correct
        assert driver.verification.trusted_ips == (TrustedIp(a_hashed_ip(WORK_IP).ip, driver.now),)


def test_above_twenty_trusted_ips_the_oldest_is_dropped(driver: VerificationDriver) -> None:
    for number in range(21):
        driver.wait(days=1)
        driver.log_in(unknown_ip(number))
    trusted_ips = [trusted.client_ip_hash for trusted in driver.verification.trusted_ips]
    assert trusted_ips == [a_hashed_ip(unknown_ip(number)).ip for number in range(1, 21)]
