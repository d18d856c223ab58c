"""How a code is derived (RFC 4226 §5.3), and how long it lives."""

import hashlib
import hmac
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.otp.challenge import NONCE_BYTES, OTP_LENGTH, OTP_TTL, Challenge
from tests.support.builders import NOW, a_challenge, a_phone

PEPPER = b"a pepper of thirty-two bytes, yes"


def test_a_code_is_six_digits() -> None:
    codes = [
        a_challenge(nonce=bytes([number])).derive_code(PEPPER, a_phone()) for number in range(200)
    ]
    assert all(len(code) == OTP_LENGTH and code.isascii() and code.isdecimal() for code in codes)
    assert any(code.startswith("0") for code in codes)


def test_a_nonce_is_too_long_to_be_guessed() -> None:
    assert NONCE_BYTES >= 16


def test_the_same_challenge_gives_the_same_code() -> None:
    assert a_challenge().derive_code(PEPPER, a_phone()) == a_challenge().derive_code(
        PEPPER, a_phone()
    )


@pytest.mark.parametrize("changed", [{"id": "another"}, {"nonce": b"another"}], ids=["id", "nonce"])
def test_a_code_hangs_on_every_part_of_its_challenge(changed: dict[str, str | bytes]) -> None:
    before, after = a_challenge(), a_challenge(**changed)
    assert before.derive_code(PEPPER, a_phone()) != after.derive_code(PEPPER, a_phone())


def test_a_code_hangs_on_the_phone() -> None:
    assert a_challenge().derive_code(PEPPER, a_phone(1)) != a_challenge().derive_code(
        PEPPER, a_phone(2)
    )


def test_a_code_hangs_on_the_pepper() -> None:
    assert a_challenge().derive_code(PEPPER, a_phone()) != a_challenge().derive_code(
        b"another", a_phone()
    )


def test_parts_cannot_be_shifted_into_each_other() -> None:
    one, other = a_challenge(id="ab", nonce=b"c"), a_challenge(id="a", nonce=b"bc")
    assert one.derive_code(PEPPER, a_phone()) != other.derive_code(PEPPER, a_phone())


def test_a_code_is_the_first_eight_bytes_of_an_hmac_modulo_a_million() -> None:
    challenge, phone = a_challenge(), a_phone()
    parts = [b"sign_in", challenge.id.encode(), phone.e164.encode(), challenge.nonce]
    message = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    mac = hmac.new(PEPPER, message, hashlib.sha256).digest()
    assert int(challenge.derive_code(PEPPER, phone)) == int.from_bytes(mac[:8], "big") % 1_000_000


def test_codes_spread_over_all_digits() -> None:
    codes = [
        a_challenge(nonce=number.to_bytes(4, "big")).derive_code(PEPPER, a_phone())
        for number in range(2000)
    ]
    for position in range(OTP_LENGTH):
        seen = Counter(code[position] for code in codes)
        assert set(seen) == set("0123456789")
        assert max(seen.values()) < 300


def test_a_challenge_lives_until_it_expires() -> None:
    challenge = a_challenge()
    assert challenge.is_active(NOW + OTP_TTL - timedelta(milliseconds=1))
    assert not challenge.is_active(NOW + OTP_TTL)


def test_a_spent_challenge_is_not_alive() -> None:
    assert not a_challenge(used_at=NOW).is_active(NOW)
    assert not a_challenge(used_at=NOW).is_resendable(NOW)


def test_a_challenge_is_sent_as_long_as_a_minute_is_left() -> None:
    challenge = a_challenge()
    assert challenge.is_resendable(NOW + timedelta(minutes=4))
    assert not challenge.is_resendable(NOW + timedelta(minutes=4, milliseconds=1))


def test_a_challenge_holds_no_code() -> None:
    challenge = a_challenge()
    code = challenge.derive_code(PEPPER, a_phone())
    assert code not in repr(challenge)
    kept = {"id", "purpose", "nonce", "key_id", "created_at", "expires_at", "used_at"}
    assert set(Challenge.__slots__) == kept
    assert replace(challenge, used_at=NOW).derive_code(PEPPER, a_phone()) == code
