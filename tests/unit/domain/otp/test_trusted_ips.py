"""A trusted IP, where the phone logged in before, has a quota that others cannot use up."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.delivery_policy import Requester
from domain.otp.phone_verification import TrustedIp
from tests.support.builders import NOW, a_delivery, a_hashed_ip
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    HOUR,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)


@pytest.fixture
def driver() -> VerificationDriver:
    """A phone that logged in from `HOME_IP` two days ago."""
    driver = VerificationDriver()
    driver.log_in(HOME_IP)
    driver.wait(days=2)
    return driver


def use_up_phone_limit(driver: VerificationDriver) -> None:
    """Deliver to unknown IPs what the phone gets in fifteen minutes."""
    for number in range(6):
        driver.deliver(unknown_ip(number))
    driver.wait(4 * 60)
    with pytest.raises(TooManyOtpRequests):
        driver.request(unknown_ip(99))


def test_unknown_ips_cannot_use_up_the_deliveries_of_a_trusted_ip(
    driver: VerificationDriver,
) -> None:
    use_up_phone_limit(driver)
    assert driver.request(HOME_IP).is_new


def test_unknown_ips_do_not_double_the_cooldown_of_a_trusted_ip(
    driver: VerificationDriver,
) -> None:
    for number in range(5):
        driver.deliver(unknown_ip(number))
    driver.wait(15)
    assert driver.request(HOME_IP).is_new


def test_an_ip_without_a_login_has_no_quota(driver: VerificationDriver) -> None:
    use_up_phone_limit(driver)
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)


def test_the_quota_is_three_deliveries_an_hour(driver: VerificationDriver) -> None:
    for number in range(12):
        driver.deliver(unknown_ip(number))
    sent = [driver.deliver(HOME_IP).delivery.sent_at for _ in range(4)]
    assert all(
        delivery.uses_own_quota
        for delivery in driver.verification.deliveries
        if delivery.client_ip == a_hashed_ip(HOME_IP)
    )
    assert (sent[3] - sent[0]).total_seconds() == HOUR


def test_the_quota_is_not_used_while_the_phone_limit_allows_a_delivery(
    driver: VerificationDriver,
) -> None:
    for _ in range(3):
        driver.deliver(HOME_IP)
    deliveries = driver.verification.deliveries
    assert not any(delivery.uses_own_quota for delivery in deliveries)


def test_by_default_a_delivery_does_not_use_the_quota() -> None:
    assert not a_delivery().uses_own_quota


def test_a_delivery_from_the_quota_does_not_count_against_the_phone(
    driver: VerificationDriver,
) -> None:
    for _ in range(7):
        driver.deliver(HOME_IP)
    deliveries = driver.verification.deliveries
    assert sum(delivery.uses_own_quota for delivery in deliveries) == 2
    driver.wait(240)
    assert driver.request(unknown_ip(1)).is_new


def test_an_ip_is_trusted_for_ninety_days_after_its_last_login() -> None:
    driver = VerificationDriver()
    driver.log_in()
    driver.wait(days=60)
    driver.log_in()
    driver.wait(days=89)
    use_up_phone_limit(driver)
    assert driver.copy().request(HOME_IP).is_new
    driver.wait(days=1)
    use_up_phone_limit(driver)
    with pytest.raises(TooManyOtpRequests):
        driver.request(HOME_IP)


def test_an_ip_is_not_trusted_anymore_at_the_end_of_ninety_days() -> None:
    requester = Requester(a_hashed_ip(HOME_IP), (), trusted_until=NOW)
    assert requester.has_own_quota(NOW - timedelta(seconds=1))
    assert not requester.has_own_quota(NOW)


def test_a_trusted_ip_waits_one_cooldown_after_the_delivery_to_an_unknown_ip(
    driver: VerificationDriver,
) -> None:
    driver.deliver(unknown_ip(1))
    driver.wait(14)
    assert not driver.request(HOME_IP).is_new
    driver.wait(1)
    assert driver.request(HOME_IP).is_new


def test_a_login_makes_only_its_own_ip_trusted() -> None:
    driver = VerificationDriver()
    decision = driver.request(HOME_IP)
    driver.wait(30)
    assert driver.verify(code_of(decision.challenge), WORK_IP).is_correct
    assert driver.verification.trusted_ips == (TrustedIp(a_hashed_ip(WORK_IP).ip, driver.now),)


def test_an_ip_is_listed_once_after_several_logins() -> None:
    driver = VerificationDriver()
    for _ in range(3):
        driver.log_in(HOME_IP)
    trusted_ips = driver.verification.trusted_ips
    assert [trusted.client_ip_hash for trusted in trusted_ips] == [a_hashed_ip(HOME_IP).ip]


def test_above_twenty_trusted_ips_the_oldest_is_dropped() -> None:
    driver = VerificationDriver()
    for number in range(21):
        driver.wait(days=1)
        driver.log_in(unknown_ip(number))
    trusted_ips = {trusted.client_ip_hash for trusted in driver.verification.trusted_ips}
    assert trusted_ips == {a_hashed_ip(unknown_ip(number)).ip for number in range(1, 21)}


def test_a_wrong_code_makes_no_ip_trusted() -> None:
    driver = VerificationDriver()
    driver.deliver(HOME_IP)
    driver.fail(4, HOME_IP)
    assert driver.verification.trusted_ips == ()
