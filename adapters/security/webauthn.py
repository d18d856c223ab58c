"""Passkeys by the package `webauthn`, with user verification on both sides."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    encode_cbor,
    parse_authentication_credential_json,
    parse_cbor,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSECRV, COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import (
    DecodedEC2PublicKey,
    DecodedOKPPublicKey,
    DecodedRSAPublicKey,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from application.features.passkeys.check_answer import (
    Assertion,
    CreatedCredential,
    InvalidPasskeyResponse,
)
from domain.features.passkeys import CHALLENGE_TTL

MAX_RESPONSE_LENGTH: Final = 16_384
"""Characters of JSON: a key, a signature and perhaps a few certificates."""
MAX_CREDENTIAL_ID_LENGTH: Final = 1_023
"""Bytes (WebAuthn §5.8.5)."""
_RSA_BITS: Final = range(2_048, 16_384 + 1)
_RSA_EXPONENT_LIMIT: Final = 2**64
"""RS256 needs 2,048 bits (RFC 8812 §2). OpenSSL verifies with no greater numbers than these."""
_P: Final = 2**255 - 19
_D: Final = -121_665 * pow(121_666, -1, _P)
"""Constants of the curve of Ed25519 (RFC 8032 §5.1)."""
_TIMEOUT_MS: Final = CHALLENGE_TTL.seconds * 1000


@dataclass(frozen=True, slots=True)
class WebAuthnRelyingParty:
    """The RP of one host name.

    Attributes:
        origins: Of the pages, as browsers write them, and of apps.
        name: What authenticators show: the name of the app.
    """

    rp_id: str
    origins: Sequence[str]
    name: str

    def creation_options(
        self, user_handle: str, name: str, challenge: bytes, known: Sequence[bytes]
    ) -> str:
        options = generate_registration_options(
            rp_id=self.rp_id,
            rp_name=self.name,
            user_name=name,
            user_id=user_handle.encode(),
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
        return options_to_json(options)

    def request_options(self, challenge: bytes) -> str:
        options = generate_authentication_options(
            rp_id=self.rp_id,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def read_creation(self, response: str) -> bytes:
        with _reading(response) as parsed:
            credential = parse_registration_credential_json(parsed)
            return parse_client_data_json(credential.response.client_data_json).challenge

    def read_assertion(self, response: str) -> Assertion:
        with _reading(response) as parsed:
            credential = parse_authentication_credential_json(parsed)
            return Assertion(
                user_handle=(credential.response.user_handle or b"").decode(),
                credential_id=credential.raw_id,
                challenge=parse_client_data_json(credential.response.client_data_json).challenge,
            )

    def verify_creation(self, response: str, challenge: bytes) -> CreatedCredential:
        with _reading(response) as parsed:
            _forget_attestation(parsed["response"])
            verified = verify_registration_response(
                credential=parsed,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                require_user_verification=True,
            )
            if len(verified.credential_id) > MAX_CREDENTIAL_ID_LENGTH:
                raise InvalidPasskeyResponse("the id of the credential is too long")
            if verified.credential_id != base64url_to_bytes(parsed["rawId"]):
                raise InvalidPasskeyResponse("the authenticator has another id for it")
            _check_same_page(parsed)
            _check_key(verified.credential_public_key)
            return CreatedCredential(
                verified.credential_id, verified.credential_public_key, verified.sign_count
            )

    def verify_assertion(self, response: str, challenge: bytes, public_key: bytes) -> int:
        with _reading(response) as parsed:
            verified = verify_authentication_response(
                credential=parsed,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                credential_public_key=public_key,
                # The caller compares the count, and tells one that fell from a wrong signature.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            _check_same_page(parsed)
            return verified.new_sign_count


def _forget_attestation(response: dict[str, Any]) -> None:
    """Remove an attestation, which was not requested.

    Some authenticators send one nevertheless, and the certificates of a few fail the checks of the
    package. The maker of the authenticator does not matter here.
    """
    made = parse_cbor(base64url_to_bytes(response["attestationObject"]))
    none = {"fmt": "none", "attStmt": {}, "authData": made["authData"]}
    response["attestationObject"] = bytes_to_base64url(encode_cbor(none))


def _check_key(public_key: bytes) -> None:
    """Reject a key that could never sign in."""
    key = decode_credential_public_key(public_key)
    decoded_public_key_to_cryptography(key)  # raises what it cannot build
    match key:
        case DecodedEC2PublicKey(alg=COSEAlgorithmIdentifier.ECDSA_SHA_256, crv=COSECRV.P256):
            is_usable = True
        case DecodedRSAPublicKey(alg=COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256):
            n, e = int.from_bytes(key.n), int.from_bytes(key.e)
            is_odd = n % 2 == 1
            is_usable = is_odd and n.bit_length() in _RSA_BITS and e < _RSA_EXPONENT_LIMIT
        case DecodedOKPPublicKey(alg=COSEAlgorithmIdentifier.EDDSA, crv=COSECRV.ED25519):
            is_usable = _is_point(key.x)
        case _:
            is_usable = False
    if not is_usable:
        raise InvalidPasskeyResponse("its key does not fit the algorithm")


def _is_point(x: bytes) -> bool:
    """Return whether these 32 bytes are a point of the curve of Ed25519 (RFC 8032 §5.1.3).

    Half of all such bytes are not, and OpenSSL makes a key of each.
    """
    y = int.from_bytes(x, "little") % 2**255
    square = (y * y - 1) * (_D * y * y + 1)  # the quotient of both has a root if this has one
    return pow(square, (_P - 1) // 2, _P) in (0, 1)


def _check_same_page(parsed: dict[str, Any]) -> None:
    """Reject what was asked for in a frame of another site, which the package does not look at."""
    encoded: Any = parsed["response"]["clientDataJSON"]
    if json.loads(base64url_to_bytes(encoded)).get("crossOrigin") is True:
        raise InvalidPasskeyResponse("it was asked for in a frame of another site")


@contextmanager
def _reading(response: str) -> Iterator[dict[str, Any]]:
    """Parse a response, and turn what anything raises into `InvalidPasskeyResponse`.

    The id of the credential may be written in padded or plain Base64: the package compares texts.
    """
    if len(response) > MAX_RESPONSE_LENGTH:
        raise InvalidPasskeyResponse("it is too long")
    try:
        parsed: dict[str, Any] = json.loads(response)
        for name in ("id", "rawId"):
            if isinstance(parsed.get(name), str):
                parsed[name] = bytes_to_base64url(base64url_to_bytes(parsed[name]))
        yield parsed
    except InvalidPasskeyResponse:
        raise
    except Exception as error:  # noqa: BLE001 -- what cannot be read or verified proves nothing
        # The texts of the package have parts of the response: the name says enough.
        raise InvalidPasskeyResponse(type(error).__name__) from None
