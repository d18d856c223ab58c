"""Test numbers have a code of their own until their date."""

from datetime import timedelta

import pytest

from domain.errors import TooManyAsks
from domain.sign_in.code import Code
from domain.sign_in.fixed_codes import LIMITS, FixedCode, FixedCodes
from domain.sign_in.phone_record import PhoneRecord
from tests.builders import NOW, a_phone, a_send
from tests.unit.domain.sign_in.desk import HOME, Desk, stranger

CODE = Code("123456")


def test_a_code_is_fixed_until_its_date() -> None:
    codes = FixedCodes((FixedCode(a_phone(), CODE, NOW + timedelta(days=1)),))

    assert codes.code(a_phone(), NOW + timedelta(days=1, microseconds=-1)) == CODE
    assert codes.code(a_phone(), NOW + timedelta(days=1)) is None


def test_one_without_a_date_is_fixed_for_good() -> None:
    codes = FixedCodes((FixedCode(a_phone(), CODE),))

    assert codes.code(a_phone(), NOW + timedelta(days=3650)) == CODE


def test_no_other_phone_has_it() -> None:
    codes = FixedCodes((FixedCode(a_phone(1), CODE), FixedCode(a_phone(2), Code("000000"))))

    assert codes.code(a_phone(2), NOW) == Code("000000")
    assert codes.code(a_phone(3), NOW) is None


def test_a_test_number_can_be_asked_for_again_at_once_by_anybody() -> None:
    desk = Desk(limits=LIMITS)

    for number in range(100):
        assert desk.ask(HOME).is_new
        assert desk.ask(stranger(number)).is_new


def test_a_test_number_can_be_asked_for_two_hundred_times_a_day() -> None:
    desk = Desk(PhoneRecord(sends=(a_send(),) * 199), limits=LIMITS)
    assert desk.ask(HOME).is_new

    with pytest.raises(TooManyAsks) as refusal:
        desk.ask(HOME)

    assert refusal.value.retry_after == 24 * 60 * 60
