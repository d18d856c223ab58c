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
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from application.features.passkeys.ports import Assertion, CreatedCredential, InvalidPasskeyResponse
from domain.features.passkeys import CHALLENGE_TTL

MAX_RESPONSE_LENGTH: Final = 16_384
"""Of JSON: a response has a key, a signature and perhaps a few certificates."""
MAX_CREDENTIAL_ID_LENGTH: Final = 1_023
"""Bytes (WebAuthn §5.8.5)."""
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
        with _reading(response):
            credential = parse_registration_credential_json(response)
            return parse_client_data_json(credential.response.client_data_json).challenge

    def read_assertion(self, response: str) -> Assertion:
        with _reading(response):
            credential = parse_authentication_credential_json(response)
            return Assertion(
                user_handle=(credential.response.user_handle or b"").decode(),
                credential_id=credential.raw_id,
                challenge=parse_client_data_json(credential.response.client_data_json).challenge,
            )

    def verify_creation(self, response: str, challenge: bytes) -> CreatedCredential:
        with _reading(response):
            verified = verify_registration_response(
                credential=response,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                require_user_verification=True,
            )
            if len(verified.credential_id) > MAX_CREDENTIAL_ID_LENGTH:
                raise InvalidPasskeyResponse("the id of the credential is too long")
            _check_same_page(response)
            return CreatedCredential(
                verified.credential_id, verified.credential_public_key, verified.sign_count
            )

    def verify_assertion(self, response: str, challenge: bytes, public_key: bytes) -> int:
        with _reading(response):
            verified = verify_authentication_response(
                credential=response,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                credential_public_key=public_key,
                # The caller compares the count, and tells one that fell from a wrong signature.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            _check_same_page(response)
            return verified.new_sign_count


def _check_same_page(response: str) -> None:
    """Reject what was asked for in a frame of another site, which the package does not look at."""
    encoded: Any = json.loads(response)["response"]["clientDataJSON"]
    if json.loads(base64url_to_bytes(encoded)).get("crossOrigin") is True:
        raise InvalidPasskeyResponse("it was asked for in a frame of another site")


@contextmanager
def _reading(response: str) -> Iterator[None]:
    """Turn what the package raises, which is anything, into `InvalidPasskeyResponse`."""
    if len(response) > MAX_RESPONSE_LENGTH:
        raise InvalidPasskeyResponse("it is too long")
    try:
        yield
    except InvalidPasskeyResponse:
        raise
    except Exception as error:  # noqa: BLE001 -- what cannot be read or verified proves nothing
        # The texts of the package have parts of the response: the name says enough.
        raise InvalidPasskeyResponse(type(error).__name__) from None
