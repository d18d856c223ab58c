"""Proofs in requests for codes."""

from domain.errors import TooLong
from domain.otp.attestation_proof import MAX_RESPONSE_LENGTH, AttestationProof
from entrypoints.http.otp.schemas import AttestationBody


def parse_proof(attestation: AttestationBody | None) -> AttestationProof | None:
    """Return the proof that a client sent; None if it only says that it can make one.

    A response without a type is a proof of no kind: the client gets a new challenge.

    Raises:
        TooLong
    """
    if attestation is None or attestation.response is None:
        return None
    proof_type = attestation.type or ""
    if max(len(proof_type), len(attestation.response)) > MAX_RESPONSE_LENGTH:
        raise TooLong(f"Type and response have at most {MAX_RESPONSE_LENGTH} characters.")
    return AttestationProof(proof_type, attestation.response)
