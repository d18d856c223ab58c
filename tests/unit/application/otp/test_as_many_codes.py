"""However many codes of a phone are live, answering costs the same derivations."""

import pytest

from application.wiring import Policy
from domain.otp.challenge import Challenge, OtpCode
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.builders import a_phone
from tests.unit.application.wiring import House

UNKNOWN, ASKED, TWICE, BLOCKED, FIXED = (a_phone(number) for number in range(1, 6))


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, PhoneNumber]]:
    """The length of the id and the phone of each code that is derived from now on."""
    derive = Challenge.derive_code
    noted: list[tuple[int, PhoneNumber]] = []

    def noting(challenge: Challenge, pepper: bytes, phone: PhoneNumber) -> str:
        noted.append((len(challenge.id), phone))
        return derive(challenge, pepper, phone)

    monkeypatch.setattr(Challenge, "derive_code", noting)
    return noted


@pytest.mark.parametrize("phone", [UNKNOWN, ASKED, TWICE, BLOCKED, FIXED])
async def test_any_answer_costs_two(
    phone: PhoneNumber, derived: list[tuple[int, PhoneNumber]]
) -> None:
    house = House(rules=Policy(test_otps=TestOtps((TestOtp(FIXED, OtpCode("123456")),))))
    if phone == TWICE:
        await house.ask(phone)
        house.wait(minutes=4, seconds=30)
    if phone != UNKNOWN:
        await house.ask(phone)
    if phone == BLOCKED:
        await house.use_cases.block_phone(phone)
    live = house.database.phone_verifications.get(phone)
    assert len(live.value.active_challenges(house.clock.now()) if live else ()) == {
        UNKNOWN: 0,
        TWICE: 2,
    }.get(phone, 1)
    derived.clear()

    await house.answer("000000", phone)

    assert derived == [(24, phone)] * 2
