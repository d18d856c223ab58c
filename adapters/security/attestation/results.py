"""Results of checks, and what makes a proof invalid before it is checked."""

from application.features.attestation import ProofResult, ProofStatus
from domain.otp.otp_request import MAX_RESPONSE_LENGTH, Proof


def valid(proof_id: str) -> ProofResult:
    """Return the result of a valid proof."""
    return ProofResult(ProofStatus.VALID, proof_id)


def invalid(reason: str, proof_id: str = "") -> ProofResult:
    """Return the result of an invalid proof, with its id if it may have been valid before."""
    return ProofResult(ProofStatus.INVALID, proof_id, reason)


def unavailable(reason: str) -> ProofResult:
    """Return the result of a proof that could not be checked."""
    return ProofResult(ProofStatus.UNAVAILABLE, reason=reason)


def find_problem(proof: Proof, expected_type: str) -> str | None:
    """Return why a proof cannot be one of this type, or None."""
    if proof.type != expected_type:
        return "it is of another type"
    # All providers and ALTCHA have responses of ASCII without spaces.
    if not proof.response.isascii() or not proof.response.isprintable():
        return "it has characters that no response has"
    if not 0 < len(proof.response) <= MAX_RESPONSE_LENGTH:
        return "it is empty or too long"
    return None
