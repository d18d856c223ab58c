"""Verifying a code, and the pepper that each is derived with."""

from datetime import timedelta
from typing import Any

import pytest

from application.code_derivation import CHALLENGE_BYTES, CodeDerivation
from application.otp.log_in import LoggedIn, OtpRejected
from application.ports.errors import ConcurrencyConflict
from domain.errors import TooManyAttempts, TooManyOtpRequests, Unavailable
from domain.otp.challenge import OTP_TTL, Challenge, OtpCode
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, NOW, a_challenge, a_phone
from tests.support.core_harness import CoreHarness, CorePolicy, make_core_policy, wrong_code
from tests.support.keys import FakeKeyRing


async def test_code_and_request_id_of_another_phone_are_rejected(app: CoreHarness) -> None:
    other = await app.request_otp(a_phone(2))
    other_code = app.last_code
    await app.request_otp()
    code = app.last_code
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
async def test_verifying_derives_as_many_codes_for_any_phone(
    phone: PhoneNumber, derived: list[tuple[int, PhoneNumber]]
) -> None:
    app = CoreHarness(
        policy=make_core_policy(fixed_codes=FixedCodes((FixedCode(TEST, OtpCode("123456")),)))
    )
    if phone == REQUESTED_TWICE:
        await app.request_otp(phone)
        app.advance(minutes=4, seconds=30)
    if phone != UNKNOWN:
        await app.request_otp(phone)
    if phone == BLOCKED:
        await app.identities.operator_actions.block(phone)
    derived.clear()

    await app.verify_otp("000000", phone)

    assert derived == [(24, phone)] * 3


# After too many attempts: when a new code can be requested

OTHER_IP = "203.0.113.8"
FAR_IP = "198.51.100.20"
"""An IP in a network that requested no code."""
TWO_PER_IP = make_core_policy(rate_limits=RateLimits(per_ip=SlidingWindow(2, timedelta(hours=1))))


async def resend_in(app: CoreHarness, client_ip: str = CLIENT_IP, **sent: Any) -> int:
    """Use up the attempts, and return what the error says."""
    code = app.last_code
    for number in range(1, 30):
        try:
            await app.verify_otp(wrong_code(code, number), client_ip=client_ip, **sent)
        except TooManyAttempts as error:
            return error.resend_in or 0
    raise AssertionError("No attempt was rejected")


async def is_sent(app: CoreHarness, client_ip: str, **sent: Any) -> bool:
    try:
        return (await app.request_otp(client_ip=client_ip, **sent)).sent
    except TooManyOtpRequests:
        return False


@pytest.mark.parametrize(
    ("policy", "client_ip", "deliveries", "has_device", "seconds"),
    [
        (make_core_policy(), OTHER_IP, 4, False, range(27, 28)),
        (TWO_PER_IP, CLIENT_IP, 2, False, range(3582, 3642)),
        (TWO_PER_IP, CLIENT_IP, 2, True, range(12, 13)),  # it needs no limit of the IP
    ],
)
async def test_the_time_is_exact_with_a_request_id_or_device_token(
    policy: CorePolicy, client_ip: str, deliveries: int, *, has_device: bool, seconds: range
) -> None:
    app, sent, request_id = CoreHarness(policy=policy), dict[str, Any](), ""
    if has_device:
        sent = {"device_token": (await app.open_session()).device_token}
        app.advance(days=1)
    for _ in range(deliveries):
        app.advance(15)
        request_id = (await app.request_otp(**sent)).request_id
    app.advance(3)

    wait = await resend_in(app, client_ip, **(sent or {"request_id": request_id}))

    assert wait in seconds
    app.advance(wait - 1)
    assert not await is_sent(app, client_ip, **sent)
    app.advance(1)
    assert await is_sent(app, client_ip, **sent)


@pytest.mark.parametrize("deliveries", [1, 4])
async def test_without_a_proof_it_is_the_same_for_every_phone(
    app: CoreHarness, deliveries: int
) -> None:
    for _ in range(deliveries):
        await app.request_otp()
        app.advance(15)
    assert await resend_in(app, OTHER_IP) == 15


async def test_a_correct_code_whose_attempts_others_use_up_is_not_used(
    app: CoreHarness,
) -> None:
    async def use_up(*numbers: int) -> None:
        for number in numbers:
            app.advance(seconds=11)
            await app.verify_otp(wrong_code(code, number), client_ip=FAR_IP)

    await app.request_otp()
    code = app.last_code
    app.faults.run_before("phone_verifications.save", lambda: use_up(1, 2, 3, 4, 5))

    with pytest.raises(TooManyAttempts) as raised:
        await app.verify_otp(code, client_ip=FAR_IP)

    assert app.faults.has_fired
    assert raised.value.retry_after <= OTP_TTL.total_seconds()
    # Otherwise one message would use up what others have in a country, by parallel attempts.
    assert app.database.permits["total:attempts:others"] == 5


# Peppers


NEW, OLD = ("0000000b", b"n" * 32), ("0000000a", b"o" * 32)


def test_new_challenges_use_the_current_pepper_and_each_has_the_code_of_its_own() -> None:
    codes = CodeDerivation(FakeKeyRing(NEW, OLD), FixedCodes())
    assert codes.make_challenge(NOW, bytes(CHALLENGE_BYTES)).key_id == NEW[0]
    assert [*codes.key_ids()] == [NEW[0], OLD[0]]
    for key_id, key in (NEW, OLD):
        challenge = a_challenge(key_id=key_id)
        code = codes.derive(challenge, a_phone()).digits
        assert code == challenge.derive_code(key, a_phone())
    for removed in ("", "0000000c"):
        with pytest.raises(Unavailable):
            codes.derive(a_challenge(key_id=removed), a_phone())


async def test_an_attempt_that_loses_each_race_gives_its_permit_back() -> None:
    app = CoreHarness()
    await app.request_otp()

    async def lose() -> None:
        raise ConcurrencyConflict("others were faster each time")

    app.faults.run_before("phone_verifications.save", lose)
    with pytest.raises(ConcurrencyConflict):
        await app.verify_otp(wrong_code(app.last_code), client_ip="203.0.113.99")
    of_attempts = {key: count for key, count in app.database.permits.items() if ":attempts:" in key}
    assert {*of_attempts.values()} <= {0}
