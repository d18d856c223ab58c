"""What asks clients for a proof, with access to what a client does."""

from application.ports.attestation import Attestation, AttestationChallenge
from pytest_dialtone.external_adapter import call_test_method


class AttestationDriver:
    """What asks clients for a proof, and what a client does."""

    def __init__(self, attestation: Attestation) -> None:
        self.attestation = attestation

    async def solve(self, challenge: AttestationChallenge) -> str:
        """Return a response that is valid for a challenge."""
        raise NotImplementedError

    async def break_provider(self) -> None:
        """Make the provider unavailable."""
        raise NotImplementedError


class ExternalAttestationDriver(AttestationDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    async def solve(self, challenge: AttestationChallenge) -> str:
        response: str = await call_test_method(self.attestation, "solve", challenge)
        return response

    async def break_provider(self) -> None:
        await call_test_method(self.attestation, "break_provider")
