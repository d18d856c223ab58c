"""Proofs in requests for codes."""

from typing import Final

from application.ports.attestation import AttestationProof
from domain.errors import ConflictingValue, TooLong
from entrypoints.http.otp.schemas import AttestationBody

MAX_RESPONSE_LENGTH: Final = 8192
"""The responses of all providers are shorter."""


def parse_proof(attestation: AttestationBody | None) -> AttestationProof | None:
    """Return the proof that a client sent; None if it only says that it can make one.

    Raises:
        ConflictingValue: there is a type without a response, or the reverse.
        TooLong
    """
    if attestation is None or (attestation.type is None and attestation.response is None):
        return None
    if attestation.type is None or attestation.response is None:
        raise ConflictingValue("Send type and response together, or an empty object.")
    if max(len(attestation.type), len(attestation.response)) > MAX_RESPONSE_LENGTH:
        raise TooLong(f"Type and response have at most {MAX_RESPONSE_LENGTH} characters.")
    return AttestationProof(attestation.type, attestation.response)
