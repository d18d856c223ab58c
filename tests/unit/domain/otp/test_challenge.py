"""A challenge, its code (RFC 4226 §5.3), and the deliveries that carry it."""

import hmac
import re
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from domain.errors import InvalidValue
from domain.identities.session import LOGIN_REPEAT_PERIOD
from domain.otp.challenge import (
    DEFAULT_OTP_LENGTH,
    MAX_OTP_LENGTH,
    OTP_TTL,
    Login,
    MessageChallenges,
    OtpCode,
    Purpose,
    parse_otp_code,
)
from domain.otp.delivery import (
    MAX_REJECTION_LENGTH,
    Channel,
    Deliveries,
    order_after,
    parse_report_id,
    parse_request_id,
)
from domain.otp.permits import Clients, Permits
from domain.otp.sliding_window import CLOCK_SKEW
from tests.support.builders import NOW, a_challenge, a_delivery, a_phone, an_id

KEY: Final = b"a pepper of thirty-two bytes, yes"
CODE: Final = OtpCode("012313")
HYPHENS: Final = [*"-\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"]


# Life


def test_a_code_is_accepted_until_it_expires_or_is_used() -> None:
    challenge = a_challenge(expires_at=NOW + OTP_TTL)
    end, millisecond = NOW + OTP_TTL, timedelta(milliseconds=1)
    assert challenge.is_active(end - millisecond)
    assert not challenge.is_active(end)
    assert not a_challenge(used_at=NOW).is_active(NOW)
    # It is sent again while it is valid for another minute.
    key_ids, last_resend = [challenge.key_id], end - timedelta(minutes=1)
    assert challenge.is_resendable(last_resend, key_ids)
    assert not challenge.is_resendable(last_resend + millisecond, key_ids)


def test_the_claims_of_a_login_can_be_forgotten() -> None:
    login = Login(an_id(1), "a-session", "a-request", claims='{"a": 1}')
    forgotten = a_challenge().mark_used(NOW, login).forget_claims()
    assert forgotten == a_challenge().mark_used(NOW, replace(login, claims=""))
    assert a_challenge().forget_claims() == a_challenge()


# Derivation


def test_a_code_has_six_to_eight_digits_and_may_begin_with_zeros() -> None:
    assert (DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH) == (6, 8)
    assert len(a_challenge().derive_code(KEY, a_phone())) == 6
    for length in (6, 8):
        codes = [
            a_challenge(nonce=bytes([number])).derive_code(KEY, a_phone(), length)
            for number in range(50)
        ]
        assert all(re.fullmatch(rf"[0-9]{{{length}}}", code) for code in codes)
        assert any(code.startswith("0") for code in codes)


def test_a_code_is_the_first_eight_bytes_of_an_hmac_modulo_a_million() -> None:
    # Each part has its length before it, so that no byte can move to the next part.
    challenge, phone = a_challenge(used_at=NOW), a_phone()
    parts = [b"sign_in", challenge.id.encode(), phone.e164.encode(), challenge.nonce]
    message = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    number = int.from_bytes(hmac.digest(KEY, message, "sha256")[:8], "big")
    assert int(challenge.derive_code(KEY, phone)) == number % 1_000_000


# Parsing


def test_spaces_and_hyphens_are_dropped() -> None:
    # All spaces of Unicode are in the first plane.
    spaces = [char for char in map(chr, range(0x1_0000)) if unicodedata.category(char) == "Zs"]
    for ignored in [*spaces, *HYPHENS, "\n"]:
        assert parse_otp_code(f"{ignored}012{ignored}313{ignored}") == CODE
    assert parse_otp_code("1234-5678", 8).digits == "12345678"
    assert repr(CODE) == "OtpCode(******)"


def test_invisible_characters_are_dropped() -> None:
    for text in (
        "\u2068012313\u2069",  # from a right-to-left message
        # Between digits of another script.
        "\u0660\u061c\u0661\u0662\u200d\u0663\u00ad\u0661\u2060\u0663\ufe0f\U000e007f",
    ):
        for repeated in (text, text + "\u2066" * 1000):
            assert parse_otp_code(repeated) == CODE


def test_digits_of_every_script_are_parsed() -> None:
    # They are in the first two planes.
    zeros = [char for char in map(chr, range(0x2_0000)) if unicodedata.decimal(char, None) == 0]
    scripts = [zero for zero in zeros if chr(ord(zero) + 9).isdecimal()]
    for zero in scripts:
        digits = "".join(chr(ord(zero) + digit) for digit in range(2, 10))
        assert parse_otp_code(digits, 8) == OtpCode("23456789")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="no digit"),
        pytest.param("12345\u2069", id="too short"),
        pytest.param("1234567", id="too long"),
        pytest.param("12345a", id="letter"),
        pytest.param("12.345", id="other separator"),
        pytest.param("12345²", id="superscript"),
        pytest.param("12345\u20e3", id="visible mark"),
        pytest.param("012313" + " " * 35, id="above forty characters"),
    ],
)
def test_other_text_is_not_a_code(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"\AA code is 6 digits, as in the message\.\Z"):
        parse_otp_code(text)
    with pytest.raises(InvalidValue, match="8 digits"):
        parse_otp_code(text, 8)


# Those of one phone


MICROSECOND = timedelta(microseconds=1)
USED = a_challenge(id=an_id(1), used_at=NOW)
ACTIVE = a_challenge(id=an_id(2))
OF_CHANGE = a_challenge(id=an_id(3), purpose=Purpose.CHANGE_PHONE, bound_to=an_id(9))
CHALLENGES = MessageChallenges((USED, ACTIVE, OF_CHANGE))


def test_only_unused_codes_of_a_sign_in_sign_in() -> None:
    assert CHALLENGES.active(NOW) == [ACTIVE]
    assert CHALLENGES.for_purpose(Purpose.CHANGE_PHONE, an_id(9)) == [OF_CHANGE]
    assert CHALLENGES.for_purpose(Purpose.CHANGE_PHONE, an_id(8)) == []


def test_a_used_code_is_kept_while_its_login_can_be_repeated_and_others_until_they_expire() -> None:
    for used_at in (NOW, NOW + OTP_TTL - MICROSECOND):
        used = a_challenge(id=an_id(1), used_at=used_at)
        over = used_at + LOGIN_REPEAT_PERIOD
        assert used in MessageChallenges((used, ACTIVE)).prune(over - MICROSECOND).all
        assert used not in MessageChallenges((used, ACTIVE)).prune(over).all
    expired = NOW + OTP_TTL
    assert CHALLENGES.prune(expired - MICROSECOND).all == (ACTIVE, OF_CHANGE)
    assert CHALLENGES.prune(expired).all == ()


def test_a_challenge_of_a_clock_that_was_wrong_is_dropped() -> None:
    assert CHALLENGES.prune(NOW - CLOCK_SKEW) == CHALLENGES
    assert CHALLENGES.prune(NOW - CLOCK_SKEW - MICROSECOND).all == ()


OTHER = a_delivery(request_id="another-request")


def test_a_result_is_kept_unless_the_delivery_has_left_its_channel() -> None:
    sent = a_delivery(channel=Channel.WHATSAPP, provider="meta")
    deliveries = Deliveries((OTHER, sent))
    unknown = deliveries.keep_result("a-request", Channel.WHATSAPP, "", "x" * 1_000)
    assert unknown.find("a-request") == replace(sent, unknown_reason="x" * MAX_REJECTION_LENGTH)

    left = unknown.fall_back("a-request", Channel.SMS, "twilio", "131026 no WhatsApp")
    fell_back = "whatsapp: 131026 no WhatsApp"
    assert left.all == (
        OTHER,
        replace(sent, channel=Channel.SMS, provider="twilio", fell_back=fell_back),
    )
    assert left.keep_result("a-request", Channel.WHATSAPP, "meta", None) == left
    found = unknown.fall_back("a-request", Channel.SMS, "twilio", "x" * 1_000).find("a-request")
    assert found is not None
    assert len(found.fell_back) == MAX_REJECTION_LENGTH


def test_the_provider_that_had_the_code_last_is_tried_last_and_each_once() -> None:
    for last, order in (("", "abc"), ("other", "abc"), ("a", "bca"), ("c", "abc")):
        assert list(order_after(["a", "b", "c"], last)) == list(order)


def test_a_delivery_that_no_longer_counts_stays() -> None:
    reset = replace(a_delivery(), is_reset=True)
    deliveries = Deliveries((OTHER, reset))
    assert deliveries.counted == (OTHER,)
    assert len(deliveries.all) == 2
    assert deliveries.reset().counted == ()


def test_a_used_code_settles_only_the_deliveries_that_carried_it() -> None:
    of_code = a_delivery(permits=Permits(NOW, Clients.STRANGERS))
    of_another = replace(of_code, challenge_id="another-challenge")
    settled = Deliveries((of_code, of_another, of_code)).settle(of_code.challenge_id)
    assert settled.all == (a_delivery(), of_another, a_delivery())


# Request ids


REQUEST_ID = "0123456789abcdef" * 2
REPORT_ID = "fedcba9876543210" * 2


def test_a_request_id_is_64_hex_digits_of_the_request_and_the_report() -> None:
    whole = REQUEST_ID + REPORT_ID
    assert (parse_request_id(whole), parse_report_id(whole)) == (REQUEST_ID, REPORT_ID)
    # Any other text names no report, and is an unknown request id.
    for text in ("", REQUEST_ID, whole + "0", whole + "\n", whole.upper()):
        assert (parse_request_id(text), parse_report_id(text)) == (text, None)
