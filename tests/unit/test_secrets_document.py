"""Format, validation and generation of the secrets file's document."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from adapters.encryption import AesPhoneEncryption
from adapters.jwt import JwtAccessTokens
from adapters.key_file.document import (
    InvalidDocument,
    KeyPurpose,
    check_key_strength,
    generate_document,
    generate_entry,
    parse_document,
)
from tests.support.builders import NOW, a_phone
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import to_pem

DOCS: Final = Path(__file__).parents[2] / "docs"
TEXT: Final = generate_document()
HMAC_PURPOSES: Final = (KeyPurpose.OTP_PEPPER, KeyPurpose.REFRESH, KeyPurpose.PHONE_INDEX)
SYMMETRIC_PURPOSES: Final = (*HMAC_PURPOSES, KeyPurpose.PHONE_ENCRYPTION)
WEAK_KEYS: Final = {
    "zeros": bytes(32),
    "one byte": b"\xa5" * 32,
    "few bytes": bytes(range(15)) * 3,
    "ascending": bytes(range(32)),
    "descending": bytes(range(255, 223, -1)),
    "steps of eight": bytes(range(0, 256, 8)),
    "words": b"correct horse battery staple, or so they say",
    "a name": b"this-is-the-one-key-of-our-production",
    "a repeated word": b"changeme" * 4,
}
PUBLISHED_KEYS: Final = {
    "RFC 6979 A.2.5": "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    "RFC 7515 A.3": "8E9B109E719098BF980487DF1F5D77E9CB29606EBED2263B5F57C213DF84F4B2",
    "RFC 7517 A.2": "F3BD0C07A81FB932781ED52752F60CC89A6BE5E51934FE01938DDB55D8F77801",
    "jwt.io": "7AF6732F581D005AFCF216F6385FF6371029242CC60840DD7D2A7A5503B7D21C",
}


@pytest.fixture
def members() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(TEXT)
    return loaded


def parse_error(members: dict[str, Any]) -> str:
    with pytest.raises(InvalidDocument) as raised:
        parse_document(json.dumps(members))
    return str(raised.value)


def strength_error(members: dict[str, Any]) -> str:
    document = parse_document(json.dumps(members))
    with pytest.raises(InvalidDocument) as raised:
        check_key_strength(document.keys)
    return str(raised.value)


def encode(key: bytes) -> str:
    return base64.b64encode(key).decode()


def encode_private_key(value: int) -> str:
    return to_pem(derive_private_key(value, SECP256R1())).decode()


# Generation


def test_each_generated_document_has_its_own_keys() -> None:
    documents = [parse_document(generate_document()) for _ in range(2)]

    keys = [key.key for document in documents for (key,) in document.keys.values()]

    assert len(set(keys)) == 2 * len(KeyPurpose)


def test_generated_keys_fit_the_other_adapters() -> None:
    keys = parse_document(TEXT).keys
    encryption_keys, signing_keys, refresh_keys = (
        FakeKeyRing(*((key.id, key.key) for key in keys[purpose]))
        for purpose in (KeyPurpose.PHONE_ENCRYPTION, KeyPurpose.SIGNING, KeyPurpose.REFRESH)
    )
    index_key = keys[KeyPurpose.PHONE_INDEX][0].key
    encryption = AesPhoneEncryption(index_key, encryption_keys, SeededRandomness())
    JwtAccessTokens(signing_keys, refresh_keys, issuer="a", audience="b")

    assert encryption.decrypt(encryption.encrypt(a_phone(), "x"), "x") == a_phone()


def test_no_key_appears_in_a_repr() -> None:
    document = parse_document(TEXT)
    printed = f"{document} {document!r} {document.keys}"

    for (key,) in document.keys.values():
        assert repr(key.key)[2:-1] not in printed
        assert key.key.hex() not in printed
        assert encode(key.key) not in printed


# Format


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '"text"', "null", "\x00", '{"version": 2}', "{}", "[" * 100_000]
)
def test_text_in_another_format_is_rejected(text: str) -> None:
    with pytest.raises(
        InvalidDocument, match=r"^(it is not JSON|it is not a JSON object|\"version\" is not 1)"
    ):
        parse_document(text)


def test_truncated_text_is_rejected_at_any_length() -> None:
    for length in range(0, len(TEXT.rstrip()), 7):
        with pytest.raises(InvalidDocument, match="it is not JSON"):
            parse_document(TEXT[:length])


def test_keys_keep_the_order_of_the_document(members: dict[str, Any]) -> None:
    purpose = KeyPurpose.PHONE_ENCRYPTION
    (old,) = parse_document(TEXT).keys[purpose]
    members[purpose].insert(0, entry := generate_entry(purpose, NOW))

    new, second = parse_document(json.dumps(members)).keys[purpose]

    assert (new.id, new.not_before) == (entry["id"], NOW)
    assert second == old


def test_unknown_members_are_accepted(members: dict[str, Any]) -> None:
    members["comment"] = "made by hand"

    assert parse_document(json.dumps(members)).keys == parse_document(TEXT).keys


@pytest.mark.parametrize("purpose", KeyPurpose)
@pytest.mark.parametrize("value", [None, [], {}, "text", [5]])
def test_a_missing_list_is_named(members: dict[str, Any], purpose: KeyPurpose, value: Any) -> None:
    members[purpose] = value

    assert f'"{purpose}' in parse_error(members)


@pytest.mark.parametrize("purpose", KeyPurpose)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", None),
        ("id", "first"),
        ("id", "0000000A"),
        ("not_before", None),
        ("not_before", "yesterday"),
        ("not_before", "2026-05-01T09:30:00"),
        ("key", None),
        ("key", ""),
        ("key", "tops3cret"),
        ("key", "dG9wczNjcmV0"),
        ("key", "dG9w\u00e9"),
        ("key", "-----BEGIN PRIVATE KEY-----\ntops3cret\n-----END PRIVATE KEY-----\n"),
    ],
)
def test_an_invalid_entry_is_named_without_its_key(
    members: dict[str, Any], purpose: KeyPurpose, name: str, value: Any
) -> None:
    members[purpose][0][name] = value

    error = parse_error(members)

    assert f'"{purpose}[0].{name}"' in error
    assert "tops3cret" not in error
    assert "dG9wczNjcmV0" not in error


def test_an_encryption_key_that_is_too_long_is_rejected(members: dict[str, Any]) -> None:
    members["phone_encryption"][0]["key"] = "A" * 64

    assert '"phone_encryption[0].key" is too long' in parse_error(members)


def test_two_keys_with_the_same_id_are_rejected(members: dict[str, Any]) -> None:
    members["otp_pepper"] *= 2

    assert '"otp_pepper"' in parse_error(members)


def test_a_second_index_key_is_rejected(members: dict[str, Any]) -> None:
    members["phone_index"].append(generate_entry(KeyPurpose.PHONE_INDEX, NOW))

    assert '"phone_index" has more than one key' in parse_error(members)


# Strength


def test_generated_keys_are_strong() -> None:
    check_key_strength(parse_document(TEXT).keys)


def test_random_keys_are_strong_in_any_encoding(members: dict[str, Any]) -> None:
    key = hashlib.sha256(b"seed").digest()

    for encoded in (key, key.hex().encode(), encode(key).encode(), key.hex().encode() + b"\n"):
        members["otp_pepper"][0]["key"] = encode(encoded)
        check_key_strength(parse_document(json.dumps(members)).keys)


@pytest.mark.parametrize("purpose", SYMMETRIC_PURPOSES)
@pytest.mark.parametrize("kind", WEAK_KEYS)
def test_a_key_that_is_not_random_is_rejected(
    members: dict[str, Any], purpose: KeyPurpose, kind: str
) -> None:
    key = WEAK_KEYS[kind][:32] if purpose is KeyPurpose.PHONE_ENCRYPTION else WEAK_KEYS[kind]
    members[purpose][0]["key"] = encode(key)

    error = strength_error(members)

    assert f'"{purpose}[0].key" is not random' in error
    assert encode(key) not in error


def test_a_former_key_is_checked_too(members: dict[str, Any]) -> None:
    former = generate_entry(KeyPurpose.OTP_PEPPER, NOW) | {"key": encode(bytes(32))}
    members["otp_pepper"].append(former)

    assert '"otp_pepper[1].key" is not random' in strength_error(members)


@pytest.mark.parametrize("value", [1, 2**128, int.from_bytes(bytes(range(32)))])
def test_a_guessable_signing_key_is_rejected(members: dict[str, Any], value: int) -> None:
    members["signing"][0]["key"] = encode_private_key(value)

    assert '"signing[0].key" is not random' in strength_error(members)


@pytest.mark.parametrize("source", PUBLISHED_KEYS)
def test_a_published_signing_key_is_rejected(members: dict[str, Any], source: str) -> None:
    members["signing"][0]["key"] = encode_private_key(int(PUBLISHED_KEYS[source], 16))

    assert '"signing[0].key" is a published example' in strength_error(members)


def test_a_key_with_two_purposes_is_rejected(members: dict[str, Any]) -> None:
    members["otp_pepper"][0]["key"] = members["phone_encryption"][0]["key"]

    error = strength_error(members)

    assert '"otp_pepper[0]" and "phone_encryption[0]" have the same key' in error


def test_a_signing_key_with_two_ids_is_rejected(members: dict[str, Any]) -> None:
    members["signing"].append(members["signing"][0] | {"id": "0000000a"})

    assert '"signing[0]" and "signing[1]" have the same key' in strength_error(members)


def test_keys_shown_in_the_documentation_are_rejected(members: dict[str, Any]) -> None:
    shown = [
        key
        for page in DOCS.glob("*.md")
        for key in re.findall(r"\b[A-Za-z0-9+/]{43}=", page.read_text())
    ]

    assert shown
    for key in shown:
        members["otp_pepper"][0]["key"] = key
        assert "is not random" in strength_error(members)
