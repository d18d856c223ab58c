"""Verifying a code."""

import pytest

from application.identities.login import LoggedIn
from application.otp.verify_otp import OtpRejected, VerifyOtpCommand
from domain.otp.challenge import Challenge, OtpCode, parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import CoreHarness, wrong_code
from tests.support.core_policy import make_core_policy

OTHER_IP = "198.51.100.20"


async def request_code(app: CoreHarness) -> tuple[str, str]:
    """Return the code of a new message and its request id."""
    result = await app.request_otp()
    return app.last_code, result.request_id


async def test_the_correct_code_logs_the_phone_in(app: CoreHarness) -> None:
    code, _ = await request_code(app)
    logged_in = await app.verify_otp(code, device="Pixel 9")
    assert isinstance(logged_in, LoggedIn)
    principal = await app.identities.authenticate(logged_in.tokens.access_token)
    assert principal.identity.phone == a_phone()
    assert principal.identity.user is None
    assert principal.session.device == "Pixel 9"


async def test_a_login_returns_the_identity_that_the_phone_has_now(app: CoreHarness) -> None:
    first = await app.open_session()
    assert first.identity.user is None
    principal = await app.identities.authenticate(first.tokens.access_token)
    assert first.identity.id == principal.identity.id

    user = await app.create_user(principal)
    again = await app.open_session()
    assert (again.identity.id, again.identity.user) == (user.id, user.user)

    await app.identities.delete_user(principal)
    after = await app.open_session()
    assert after.identity.id != user.id
    assert after.identity.user is None


@pytest.mark.parametrize("length", [6, 7, 8])
async def test_codes_have_the_configured_length(length: int) -> None:
    app = CoreHarness(policy=make_core_policy(otp_length=length))
    await app.request_otp()
    assert len(app.last_code) == length
    code = parse_otp_code(app.last_code, length)
    result = await app.otp.verify_otp(VerifyOtpCommand(a_phone(), code, CLIENT_IP))
    assert isinstance(result, LoggedIn)


async def test_wrong_expired_used_and_never_sent_codes_get_the_same_result() -> None:
    wrong, used, late, never_sent = CoreHarness(), CoreHarness(), CoreHarness(), CoreHarness()
    for app in (wrong, used, late):
        await app.request_otp()
    await used.verify_otp(used.last_code)
    late.advance(300)
    results = [
        await wrong.verify_otp(wrong_code(wrong.last_code)),
        await used.verify_otp(used.last_code),
        await late.verify_otp(late.last_code),
        await never_sent.verify_otp("012313"),
    ]
    assert results == [OtpRejected(4)] * 4


async def test_code_and_request_id_of_another_phone_are_rejected(app: CoreHarness) -> None:
    other = await app.request_otp(a_phone(2))
    other_code = app.last_code
    code, _ = await request_code(app)
    assert isinstance(await app.verify_otp(other_code), OtpRejected)
    assert isinstance(await app.verify_otp(code, request_id=other.request_id), OtpRejected)
    assert isinstance(await app.verify_otp(code), LoggedIn)


# Derived codes

UNKNOWN, REQUESTED, REQUESTED_TWICE, BLOCKED, TEST = (a_phone(number) for number in range(1, 6))


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, PhoneNumber]]:
    """Record the length of the challenge id and the phone for each derived code."""
    derive = Challenge.derive_code
    derived: list[tuple[int, PhoneNumber]] = []

    def record(challenge: Challenge, key: bytes, phone: PhoneNumber, length: int) -> str:
        derived.append((len(challenge.id), phone))
        return derive(challenge, key, phone, length)

    monkeypatch.setattr(Challenge, "derive_code", record)
    return derived


@pytest.mark.parametrize("phone", [UNKNOWN, REQUESTED, REQUESTED_TWICE, BLOCKED, TEST])
async def test_verifying_derives_four_codes_for_any_phone(
    phone: PhoneNumber, derived: list[tuple[int, PhoneNumber]]
) -> None:
    app = CoreHarness(
        policy=make_core_policy(test_otps=TestOtps((TestOtp(TEST, OtpCode("123456")),)))
    )
    if phone == REQUESTED_TWICE:
        await app.request_otp(phone)
        app.advance(minutes=4, seconds=30)
    if phone != UNKNOWN:
        await app.request_otp(phone)
    if phone == BLOCKED:
        await app.identities.operator_actions.block(phone)
    stored = app.database.phone_verifications.get(phone)
    assert len(stored.value.active_challenges(app.clock.now()) if stored else ()) == {
        UNKNOWN: 0,
        REQUESTED_TWICE: 2,
    }.get(phone, 1)
    derived.clear()

    await app.verify_otp("000000", phone)

    assert derived == [(24, phone)] * 4
