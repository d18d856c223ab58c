"""Proofs in requests for codes."""

from domain.errors import TooLong
from domain.otp.attestation_proof import MAX_RESPONSE_LENGTH, AttestationProof
from entrypoints.http.attestation.schemas import AttestationBody
from entrypoints.http.otp.proofs import SentProof


def parse_proof(body: object) -> SentProof:
    """Return what a client says about proofs in a request for a code.

    A response without a type is a proof of no kind: the client gets a new challenge.

    Raises:
        TooLong
    """
    attestation: AttestationBody | None = getattr(body, "attestation", None)
    if attestation is None or attestation.response is None:
        return SentProof(accepts_attestation=attestation is not None)
    proof_type = attestation.type or ""
    if max(len(proof_type), len(attestation.response)) > MAX_RESPONSE_LENGTH:
        raise TooLong(f"Type and response have at most {MAX_RESPONSE_LENGTH} characters.")
    return SentProof(
        accepts_attestation=True, proof=AttestationProof(proof_type, attestation.response)
    )
