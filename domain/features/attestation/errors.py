"""Errors of proofs."""

from collections.abc import Mapping

from domain.errors import DomainError


class AttestationRequired(DomainError):
    """A code is sent to this phone only with a proof.

    `attestation` has a request for each kind of proof: its `type`, and what the client needs.
    """

    def __init__(self, *attestation: Mapping[str, object]) -> None:
        super().__init__()
        self.attestation = attestation
