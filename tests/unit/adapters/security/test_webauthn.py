"""What is stored of a new passkey can sign in; what nobody asked for does not matter."""

import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from webauthn.helpers import base64url_to_bytes, encode_cbor, parse_cbor

from adapters.security.webauthn import WebAuthnRelyingParty
from application.features.passkeys.check_answer import CreatedCredential, InvalidPasskeyResponse
from tests.support.authenticator import SoftwareAuthenticator

ORIGIN: Final = "https://example.org"
PARTY: Final = WebAuthnRelyingParty("example.org", [ORIGIN], "Dialtone")
CHALLENGE: Final = bytes(range(75))
POINT: Final = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
P384: Final = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
ED25519: Final = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
MODULUS: Final = rsa.generate_private_key(65_537, 2048).public_key().public_numbers().n
X, Y = POINT.x.to_bytes(32), POINT.y.to_bytes(32)
SHORT, LONG = bytes([0xFF] * 255), bytes([0xFF] * 2_100)


def create(device: SoftwareAuthenticator) -> dict[str, Any]:
    options = PARTY.creation_options("u:1", "name", CHALLENGE, [])
    response: dict[str, Any] = json.loads(device.create(options))
    return response


def verify(response: dict[str, Any]) -> CreatedCredential:
    return PARTY.verify_creation(json.dumps(response), CHALLENGE)


def with_attestation(
    response: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    made = parse_cbor(base64url_to_bytes(response["response"]["attestationObject"]))
    encoded = urlsafe_b64encode(encode_cbor(made | change(made))).decode().rstrip("=")
    response["response"]["attestationObject"] = encoded
    return response


def with_key(key: dict[int, Any]) -> dict[str, Any]:
    """Return a response whose authenticator made this COSE key."""
    response = create(SoftwareAuthenticator(ORIGIN))

    def change(made: dict[str, Any]) -> dict[str, Any]:
        without_key = made["authData"][: 37 + 16 + 2 + 16]
        return {"authData": without_key + encode_cbor(key)}

    return with_attestation(response, change)


FITTING: Final[dict[str, dict[int, Any]]] = {
    "ES256": {1: 2, 3: -7, -1: 1, -2: X, -3: Y},
    "EdDSA": {1: 1, 3: -8, -1: 6, -2: ED25519},
    "RS256": {1: 3, 3: -257, -1: MODULUS.to_bytes(256), -2: b"\x01\x00\x01"},
}
UNUSABLE: Final[dict[str, dict[int, Any]]] = {
    "x as a list": {1: 1, 3: -8, -1: 6, -2: list(ED25519)},
    "31 bytes": {1: 1, 3: -8, -1: 6, -2: ED25519[:31]},
    "no point of the curve": {1: 2, 3: -7, -1: 1, -2: X, -3: X},
    "P-384 with ES256": {1: 2, 3: -7, -1: 2, -2: P384.x.to_bytes(48), -3: P384.y.to_bytes(48)},
    "EC key with EdDSA": {1: 2, 3: -8, -1: 1, -2: X, -3: Y},
    "EC key with RS256": {1: 2, 3: -257, -1: 1, -2: X, -3: Y},
    "RSA key with ES256": {1: 3, 3: -7, -1: MODULUS.to_bytes(256), -2: b"\x01\x00\x01"},
    "Ed25519 with ES256": {1: 1, 3: -7, -1: 6, -2: ED25519},
    "no point of Ed25519": {1: 1, 3: -8, -1: 6, -2: (2).to_bytes(32, "little")},
    "modulus that is too short": {1: 3, 3: -257, -1: SHORT, -2: b"\x01\x00\x01"},
    "even modulus": {1: 3, 3: -257, -1: (MODULUS - 1).to_bytes(256), -2: b"\x01\x00\x01"},
    "modulus that is too long": {1: 3, 3: -257, -1: LONG, -2: b"\x01\x00\x01"},
    "even exponent": {1: 3, 3: -257, -1: MODULUS.to_bytes(256), -2: b"\x02"},
    "long exponent": {1: 3, 3: -257, -1: MODULUS.to_bytes(256), -2: bytes([1] * 9)},
    "texts": {1: 2, 3: -7, -1: 1, -2: "x", -3: "y"},
}


@pytest.mark.parametrize("key", FITTING.values(), ids=FITTING)
def test_a_key_that_fits_its_algorithm_is_stored(key: dict[int, Any]) -> None:
    assert verify(with_key(key)).public_key == encode_cbor(key)


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_with_which_nobody_could_sign_in_is_rejected(key: dict[int, Any]) -> None:
    with pytest.raises(InvalidPasskeyResponse):
        verify(with_key(key))


@pytest.mark.parametrize(
    "attestation",
    [
        {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"?", "x5c": [b"no certificate"]}},
        {"fmt": "tpm", "attStmt": {"ver": "2.0", "alg": -257, "sig": b"?"}},
        {"fmt": "apple", "attStmt": {"x5c": [b"?"]}},
        {"fmt": "of a later year", "attStmt": {"any": "thing"}},
        {"fmt": "none", "attStmt": {"sig": b"?"}},
    ],
    ids=lambda attestation: attestation["fmt"],
)
def test_an_attestation_that_nobody_asked_for_is_ignored(attestation: dict[str, Any]) -> None:
    device = SoftwareAuthenticator(ORIGIN)
    response = create(device)
    expected = verify(response)
    assert verify(with_attestation(response, lambda _: attestation)) == expected
    for wrong in (
        SoftwareAuthenticator("https://example.com"),
        SoftwareAuthenticator(ORIGIN, verifies_user=False),
    ):
        with pytest.raises(InvalidPasskeyResponse):
            verify(with_attestation(create(wrong), lambda _: attestation))


def test_an_id_is_the_same_in_padded_and_plain_base64() -> None:
    device = SoftwareAuthenticator(ORIGIN, credential_id=bytes([0xFB, 0xFF] * 8))
    response = create(device)
    public_key = verify(response).public_key
    answer = json.loads(device.get(PARTY.request_options(CHALLENGE)))
    credential_id = urlsafe_b64decode(response["id"] + "==")
    spellings = [urlsafe_b64encode(credential_id).decode(), b64encode(credential_id).decode()]
    for spelling in (*spellings, spellings[1].rstrip("=")):
        assert verify(response | {"id": spelling}).credential_id == credential_id
        sent = json.dumps(answer | {"id": spelling, "rawId": spellings[0]})
        assert PARTY.read_assertion(sent).credential_id == credential_id
        assert PARTY.verify_assertion(sent, CHALLENGE, public_key) == device.sign_count


@pytest.mark.parametrize("names", [["id"], ["rawId"], ["id", "rawId"]], ids=str)
def test_an_id_that_is_not_the_one_of_the_authenticator_is_rejected(names: list[str]) -> None:
    response = create(SoftwareAuthenticator(ORIGIN))
    with pytest.raises(InvalidPasskeyResponse):
        verify(response | dict.fromkeys(names, "AAEC"))
