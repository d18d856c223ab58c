"""Test numbers have a code of their own until their date."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.challenge import OtpCode
from domain.otp.phone_verification import PhoneVerification
from domain.otp.test_otps import TEST_OTP_POLICY, TestOtp, TestOtps
from tests.support.builders import NOW, a_delivery, a_phone
from tests.unit.domain.otp.desk import HOME, Desk, stranger

CODE = OtpCode("123456")


def test_a_code_is_fixed_until_its_date() -> None:
    codes = TestOtps((TestOtp(a_phone(), CODE, NOW + timedelta(days=1)),))

    assert codes.find_code(a_phone(), NOW + timedelta(days=1, microseconds=-1)) == CODE
    assert codes.find_code(a_phone(), NOW + timedelta(days=1)) is None


def test_one_without_a_date_is_fixed_for_good() -> None:
    codes = TestOtps((TestOtp(a_phone(), CODE),))

    assert codes.find_code(a_phone(), NOW + timedelta(days=3650)) == CODE


def test_no_other_phone_has_it() -> None:
    codes = TestOtps((TestOtp(a_phone(1), CODE), TestOtp(a_phone(2), OtpCode("000000"))))

    assert codes.find_code(a_phone(2), NOW) == OtpCode("000000")
    assert codes.find_code(a_phone(3), NOW) is None


def test_a_test_number_can_be_asked_for_again_at_once_by_anybody() -> None:
    desk = Desk(limits=TEST_OTP_POLICY)

    for number in range(100):
        assert desk.ask(HOME).is_new
        assert desk.ask(stranger(number)).is_new


def test_a_test_number_can_be_asked_for_two_hundred_times_a_day() -> None:
    desk = Desk(PhoneVerification(deliveries=(a_delivery(),) * 199), limits=TEST_OTP_POLICY)
    assert desk.ask(HOME).is_new

    with pytest.raises(TooManyOtpRequests) as refusal:
        desk.ask(HOME)

    assert refusal.value.retry_after == 24 * 60 * 60
