"""Format, validation and generation of the secrets file's document."""

import base64
import hashlib
import json
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    derive_private_key,
    generate_private_key,
)

from adapters.security.encryption import AesPhoneEncryption
from adapters.security.jwt import JwtAccessTokens
from adapters.security.keys.document import (
    InvalidKeys,
    generate_document,
    generate_entry,
    parse_document,
)
from adapters.security.keys.strength import check_key_strength
from application.ports.keys import KeyPurpose
from domain.token_issuers import TokenIssuers
from tests.support.builders import NOW, a_phone
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing, to_pem

TEXT: Final = generate_document()
PEM: Final = "-----BEGIN PRIVATE KEY-----\n"
PEM_END: Final = "\n-----END PRIVATE KEY-----\n"
HMAC_PURPOSES: Final = (KeyPurpose.OTP_PEPPER, KeyPurpose.REFRESH, KeyPurpose.PHONE_INDEX)
SYMMETRIC_PURPOSES: Final = (*HMAC_PURPOSES, KeyPurpose.PHONE_ENCRYPTION)
WEAK_KEYS: Final = (
    bytes(range(255, 223, -1)),
    bytes(range(0, 256, 8)),
    b"correct horse battery staple, or so they say",
    b"changeme" * 4,
)
JWT_IO: Final = "7AF6732F581D005AFCF216F6385FF6371029242CC60840DD7D2A7A5503B7D21C"


@pytest.fixture
def members() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(TEXT)
    return loaded


def parse_error(members: dict[str, Any]) -> str:
    with pytest.raises(InvalidKeys) as raised:
        parse_document(json.dumps(members))
    return str(raised.value)


def strength_error(members: dict[str, Any]) -> str:
    document = parse_document(json.dumps(members))
    with pytest.raises(InvalidKeys) as raised:
        check_key_strength(document.keys)
    return str(raised.value)


def encode(key: bytes) -> str:
    return base64.b64encode(key).decode()


# Generation


def test_generated_keys_are_strong_and_fit_the_other_adapters() -> None:
    keys = parse_document(TEXT).keys
    encryption_keys, signing_keys, refresh_keys = (
        FakeKeyRing(*((key.id, key.key) for key in keys[purpose]))
        for purpose in (KeyPurpose.PHONE_ENCRYPTION, KeyPurpose.SIGNING, KeyPurpose.REFRESH)
    )
    index_key = keys[KeyPurpose.PHONE_INDEX][0].key
    encryption = AesPhoneEncryption(index_key, encryption_keys, SeededRandomness())
    JwtAccessTokens(signing_keys, refresh_keys, issuers=TokenIssuers(), audience="b")

    assert encryption.decrypt(encryption.encrypt(a_phone(), "x"), "x") == a_phone()
    check_key_strength(keys)
    documents = (keys, parse_document(generate_document()).keys)
    all_keys = {key.key for document in documents for (key,) in document.values()}
    assert len(all_keys) == 2 * len(KeyPurpose)


# Format


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2}', "[" * 100_000, TEXT[:300]], ids=lambda text: text[:9]
)
def test_text_in_another_format_is_rejected(text: str) -> None:
    with pytest.raises(
        InvalidKeys, match=r"^(it is not JSON|Expected `object`|.*(field `|\.)version`)"
    ):
        parse_document(text)


def test_a_list_with_an_impossible_key_is_rejected(members: dict[str, Any]) -> None:
    peppers, (index_key,) = members["otp_pepper"] * 2, members["phone_index"]
    too_long = [members["phone_encryption"][0] | {"key": "A" * 64}]
    index_keys = [index_key, generate_entry(KeyPurpose.PHONE_INDEX, NOW)]
    other_curve = to_pem(generate_private_key(SECP384R1())).decode()

    assert '"otp_pepper"' in parse_error(members | {"otp_pepper": peppers})
    assert "length <= 1 - at `$.phone_index`" in parse_error(members | {"phone_index": index_keys})
    assert "length <= 32 - at `$.phone_encryption[0].key`" in parse_error(
        members | {"phone_encryption": too_long}
    )
    members["signing"][0]["key"] = other_curve
    assert "a P-256 private key in PEM - at `$.signing[0].key`" in parse_error(members)


@pytest.mark.parametrize("purpose", [KeyPurpose.SIGNING, KeyPurpose.OTP_PEPPER])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [None, "0000000A"]),
        ("not_before", [None, "yesterday", "2026-05-01T09:30:00"]),
        ("key", [None, "tops3cret", "dG9wczNjcmV0", "dG9w\u00e9", f"{PEM}tops3cret{PEM_END}"]),
    ],
)
def test_an_invalid_entry_is_named_without_its_key(
    members: dict[str, Any], purpose: KeyPurpose, name: str, values: list[str | None]
) -> None:
    for value in values:
        members[purpose][0][name] = value

        error = parse_error(members)

        assert f"`$.{purpose}[0].{name}`" in error
        assert "tops3cret" not in error
        assert "dG9wczNjcmV0" not in error


# Strength


@pytest.mark.parametrize("key", WEAK_KEYS)
def test_a_key_that_is_not_random_is_rejected(members: dict[str, Any], key: bytes) -> None:
    for purpose in SYMMETRIC_PURPOSES:
        weak = key[:32] if purpose is KeyPurpose.PHONE_ENCRYPTION else key
        entry = generate_entry(purpose, NOW) | {"key": encode(weak)}
        # A former key is checked too; there is only one index key.
        entries = [entry] if purpose is KeyPurpose.PHONE_INDEX else [*members[purpose], entry]

        error = strength_error(members | {purpose: entries})

        assert f'"{purpose}[{len(entries) - 1}].key" is not random' in error
        assert encode(weak) not in error


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (2**128, "is not random"),
        (int.from_bytes(bytes(range(32))), "is not random"),
        (int(JWT_IO, 16), "is a published example"),
    ],
)
def test_a_guessable_or_published_signing_key_is_rejected(
    members: dict[str, Any], value: int, problem: str
) -> None:
    members["signing"][0]["key"] = to_pem(derive_private_key(value, SECP256R1())).decode()

    assert f'"signing[0].key" {problem}' in strength_error(members)


def test_a_key_that_occurs_twice_is_rejected(members: dict[str, Any]) -> None:
    signing, pepper = members["signing"][0], members["otp_pepper"][0]
    two_ids = [signing, signing | {"id": "0000000a"}]
    two_purposes = [pepper | {"key": members["phone_encryption"][0]["key"]}]

    for changed, places in (
        ({"signing": two_ids}, '"signing[0]" and "signing[1]"'),
        ({"otp_pepper": two_purposes}, '"otp_pepper[0]" and "phone_encryption[0]"'),
    ):
        assert f"{places} have the same key" in strength_error(members | changed)


def test_random_keys_are_strong_in_any_encoding_and_never_shown(members: dict[str, Any]) -> None:
    key = hashlib.sha256(b"seed").digest()

    for encoded in (key, key.hex().encode(), encode(key).encode()):
        members["otp_pepper"][0]["key"] = encode(encoded)
        document = parse_document(json.dumps(members))
        check_key_strength(document.keys)
        printed = f"{document} {document!r} {document.keys}"
        assert encode(encoded) not in printed
        assert repr(encoded)[2:-1] not in printed
