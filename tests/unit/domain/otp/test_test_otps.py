"""The limit of requests for a phone with a test OTP."""

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.phone_verification import PhoneVerification
from domain.otp.test_otps import TEST_OTP_POLICY
from tests.support.builders import a_delivery
from tests.unit.domain.otp.verification_driver import DAY, HOME_IP, VerificationDriver


def test_a_test_otp_may_be_requested_two_hundred_times_a_day() -> None:
    verification = PhoneVerification(deliveries=(a_delivery(),) * 199)
    driver = VerificationDriver(verification, policy=TEST_OTP_POLICY)
    assert driver.request(HOME_IP).is_new
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(HOME_IP)
    assert error.value.retry_after == DAY
