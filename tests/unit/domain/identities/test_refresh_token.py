"""Refresh tokens: their encoded form and their MAC."""

import base64
import hmac

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.identities.refresh_token import RefreshToken, make_refresh_token, parse_refresh_token
from tests.support.builders import a_parsed_token, an_id
from tests.support.examples import examples

KEY, NONCE = b"k" * 32, b"n" * 16
SESSION_ID = "0f" * 16


def a_token(generation: int = 1) -> RefreshToken:
    return make_refresh_token(an_id(), SESSION_ID, generation, key=KEY, nonce=NONCE)


@settings(max_examples=examples(20))
@given(st.integers(0, 2**32 - 1))
def test_an_encoded_token_is_parsed_to_the_same_token(generation: int) -> None:
    token = a_token(generation)
    assert parse_refresh_token(token.text) == token
    assert a_parsed_token(token.text).has_valid_mac([KEY], NONCE)


@settings(max_examples=examples(40))
@given(st.integers(0, 63), st.integers(1, 255))
def test_a_token_with_a_changed_byte_has_an_invalid_mac(position: int, change: int) -> None:
    token = a_token()
    payload = bytes.fromhex(token.identity_id) + bytes.fromhex(token.session_id)
    raw = bytearray(payload + token.generation.to_bytes(4, "big") + token.mac)
    raw[position] ^= change
    changed = RefreshToken(
        raw[:12].hex(), raw[12:28].hex(), int.from_bytes(raw[28:32], "big"), bytes(raw[32:])
    )
    assert not a_parsed_token(changed.text).has_valid_mac([KEY], NONCE)


@given(st.text(max_size=120))
@example(a_token().text + "=")
@example(a_token().text + "AAAA")
@example(a_token().text[:-4])
@example(a_token().text.replace("A", "á", 1))
@example(a_token().text[:40] + "." + a_token().text[40:])
def test_other_text_is_not_a_refresh_token(text: str) -> None:
    assert parse_refresh_token(text) is None


def test_a_token_is_the_base64url_form_of_ids_generation_and_mac() -> None:
    payload = bytes.fromhex(an_id()) + bytes.fromhex(SESSION_ID) + b"\x01\x02\x03\x04"
    mac = hmac.digest(KEY, b"dialtone refresh token\0" + payload + NONCE, "sha256")
    encoded = base64.urlsafe_b64encode(payload + mac).decode().rstrip("=")
    assert a_token(0x01020304).text == encoded
    for secret in (a_token().mac.hex(), str(a_token().mac)):
        assert secret not in repr(a_token())
