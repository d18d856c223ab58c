"""What refresh tokens are made of, and what is none."""

import base64
import hmac

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.identities.refresh_token import (
    RefreshToken,
    make_refresh_token,
    parse_refresh_token,
)
from tests.support.builders import an_id
from tests.support.examples import examples

KEY, NONCE = b"k" * 32, b"n" * 16
SESSION = "0f" * 16


def a_token(generation: int = 1) -> RefreshToken:
    return make_refresh_token(an_id(), SESSION, generation, key=KEY, nonce=NONCE)


@settings(max_examples=examples(20))
@given(st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_as_the_same(generation: int) -> None:
    token = a_token(generation)

    assert parse_refresh_token(token.text) == token
    assert parse_refresh_token(token.text).has_valid_mac([KEY], NONCE)


def test_the_same_parts_make_the_same_token() -> None:
    assert a_token().text == a_token().text


@pytest.mark.parametrize(
    ("key", "nonce"), [(b"j" * 32, NONCE), (KEY, b"m" * 16), (NONCE + NONCE, NONCE)]
)
def test_no_other_key_or_nonce_makes_it(key: bytes, nonce: bytes) -> None:
    assert not a_token().has_valid_mac([key], nonce)


def test_any_of_the_keys_may_have_made_it() -> None:
    assert a_token().has_valid_mac([b"j" * 32, KEY], NONCE)
    assert not a_token().has_valid_mac([], NONCE)


@settings(max_examples=examples(40))
@given(st.integers(0, 63), st.integers(1, 255))
def test_a_changed_byte_makes_another_token_that_nobody_made(at: int, change: int) -> None:
    token = a_token()
    parts = bytes.fromhex(token.identity_id) + bytes.fromhex(token.session_id)
    raw = bytearray(parts + token.generation.to_bytes(4, "big") + token.mac)
    raw[at] ^= change
    changed = RefreshToken(
        raw[:12].hex(), raw[12:28].hex(), int.from_bytes(raw[28:32], "big"), bytes(raw[32:])
    )

    assert not parse_refresh_token(changed.text).has_valid_mac([KEY], NONCE)


@given(st.text(max_size=120))
@example(a_token().text + "=")
@example(a_token().text[:-1])
@example(a_token().text + "AAAA")
@example(f" {a_token().text}")
@example(a_token().text.replace("A", "á", 1))
@example(a_token().text[:40] + "." + a_token().text[40:])
@example(a_token().text[:-4])
@example("")
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(
        InvalidValue, match=r"\AThis is not .*; send the one from the .* answer\.\Z"
    ):
        parse_refresh_token(text)


def test_a_token_is_its_ids_its_generation_and_its_mac() -> None:
    parts = bytes.fromhex(an_id()) + bytes.fromhex(SESSION) + b"\x01\x02\x03\x04"
    mac = hmac.digest(KEY, b"dialtone refresh token\0" + parts + NONCE, "sha256")
    written = base64.urlsafe_b64encode(parts + mac).decode().rstrip("=")
    assert a_token(0x01020304).text == written


def test_every_token_has_one_spelling() -> None:
    text = a_token().text
    # The last character stands for two bits; the other four of it say nothing.
    others = [text[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if last != text[-1]]
    read = []
    for other in others:
        try:
            read.append(parse_refresh_token(other).text)
        except InvalidValue:
            continue
    assert read == [other for other in others if other in read]


def test_its_repr_tells_no_mac() -> None:
    assert a_token().mac.hex() not in repr(a_token())
    assert str(a_token().mac) not in repr(a_token())
