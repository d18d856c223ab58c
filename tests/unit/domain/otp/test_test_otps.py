"""Test OTPs: phones with a fixed code, and the limits of requests for them."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.challenge import OtpCode
from domain.otp.phone_verification import PhoneVerification
from domain.otp.test_otps import TEST_OTP_POLICY, TestOtp, TestOtps
from tests.support.builders import NOW, a_delivery, a_phone
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    VerificationDriver,
    unknown_ip,
)

CODE = OtpCode("123456")


def test_a_test_otp_is_valid_until_it_expires() -> None:
    test_otps = TestOtps((TestOtp(a_phone(), CODE, NOW + timedelta(days=1)),))

    assert test_otps.find_code(a_phone(), NOW + timedelta(days=1, microseconds=-1)) == CODE
    assert test_otps.find_code(a_phone(), NOW + timedelta(days=1)) is None


def test_a_test_otp_without_a_date_never_expires() -> None:
    test_otps = TestOtps((TestOtp(a_phone(), CODE),))

    assert test_otps.find_code(a_phone(), NOW + timedelta(days=3650)) == CODE


def test_a_test_otp_is_valid_for_its_own_phone_only() -> None:
    test_otps = TestOtps((TestOtp(a_phone(1), CODE), TestOtp(a_phone(2), OtpCode("000000"))))

    assert test_otps.find_code(a_phone(2), NOW) == OtpCode("000000")
    assert test_otps.find_code(a_phone(3), NOW) is None


def test_requests_for_a_test_otp_have_no_cooldown() -> None:
    driver = VerificationDriver(policy=TEST_OTP_POLICY)

    for number in range(100):
        assert driver.request(HOME_IP).is_new
        assert driver.request(unknown_ip(number)).is_new


def test_a_test_otp_may_be_requested_two_hundred_times_a_day() -> None:
    verification = PhoneVerification(deliveries=(a_delivery(),) * 199)
    driver = VerificationDriver(verification, policy=TEST_OTP_POLICY)
    assert driver.request(HOME_IP).is_new

    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(HOME_IP)

    assert error.value.retry_after == DAY
