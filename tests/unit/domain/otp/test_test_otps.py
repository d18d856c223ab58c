"""Test OTPs: phones with a fixed code, and the limits of requests for them."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.challenge import OtpCode
from domain.otp.phone_verification import PhoneVerification
from domain.otp.review_otps import TEST_OTP_POLICY, TestOtp, TestOtps
from tests.support.builders import NOW, a_delivery, a_phone
from tests.unit.domain.otp.verification_driver import DAY, HOME_IP, VerificationDriver, unknown_ip

FIRST, SECOND = OtpCode("123456"), OtpCode("000000")
EXPIRES_AT = NOW + timedelta(days=1)


def test_a_test_otp_is_valid_for_its_own_phone_until_it_expires() -> None:
    otps = TestOtps((TestOtp(a_phone(1), FIRST, EXPIRES_AT), TestOtp(a_phone(2), SECOND)))
    assert otps.find_code(a_phone(1), EXPIRES_AT - timedelta(microseconds=1)) == FIRST
    assert otps.find_code(a_phone(1), EXPIRES_AT) is None
    assert otps.find_code(a_phone(2), EXPIRES_AT + timedelta(days=3650)) == SECOND
    assert otps.find_code(a_phone(3), NOW) is None
    assert [otps.includes(a_phone(number)) for number in (1, 2, 3)] == [True, True, False]


def test_requests_for_a_test_otp_have_no_cooldown() -> None:
    driver = VerificationDriver(policy=TEST_OTP_POLICY)
    for number in range(20):
        assert driver.request(HOME_IP).is_new
        assert driver.request(unknown_ip(number)).is_new


def test_a_test_otp_may_be_requested_two_hundred_times_a_day() -> None:
    verification = PhoneVerification(deliveries=(a_delivery(),) * 199)
    driver = VerificationDriver(verification, policy=TEST_OTP_POLICY)
    assert driver.request(HOME_IP).is_new
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(HOME_IP)
    assert error.value.retry_after == DAY
