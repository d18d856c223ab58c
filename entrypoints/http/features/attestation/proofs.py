"""Proofs in requests for codes."""

from domain.otp.attestation_proof import Proof
from entrypoints.http.core.otp.proofs import SentProof
from entrypoints.http.features.attestation.schemas import AttestationBody
from entrypoints.http.requests.described_rules import described_rules


def parse_proof(body: object) -> SentProof:
    """Return what a client says about proofs in a request for a code.

    A response without a type is a proof of no kind: the client is asked for another.
    """
    attestation: AttestationBody | None = getattr(body, "attestation", None)
    if attestation is None:
        return SentProof()
    for rule in described_rules(AttestationBody):
        rule.check(attestation)
    if attestation.response is None:
        return SentProof(can_send_proof=True)
    proof = Proof(attestation.type or "", attestation.response)
    return SentProof(can_send_proof=True, proof=proof)
