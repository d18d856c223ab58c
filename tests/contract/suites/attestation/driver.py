"""What asks clients for a proof, with access to what a client does."""

from application.features.attestation import Attestation, ProofRequest
from tests.contract.suites.external_adapter import call_test_method
from tests.contract.suites.provider_driver import ProviderDriver


class AttestationDriver(ProviderDriver):
    """What asks clients for a proof, and what a client does.

    Attributes:
        attestation: It asks.
        binds_subject: Whether a request is for one subject. That of a provider may be for all.
        sets_time: Whether a request is for some minutes from the `now` of its call. That of a
            provider expires by the provider's own clock.
    """

    attestation: Attestation
    binds_subject = True
    sets_time = True

    def __init__(self, attestation: Attestation) -> None:
        super().__init__(attestation)
        self.attestation = attestation
        self.binds_subject = getattr(attestation, "binds_subject", True)
        self.sets_time = self.binds_subject and not hasattr(attestation, "solve_late")

    async def solve(self, proof_request: ProofRequest) -> str:
        """Return a response that is valid for a request."""
        return str(await call_test_method(self.adapter, "solve", proof_request))

    async def solve_wrongly(self, proof_request: ProofRequest) -> str:
        """Return the response of a client that did not solve what was asked."""
        return str(await call_test_method(self.adapter, "solve_wrongly", proof_request))

    async def solve_late(self, proof_request: ProofRequest) -> str:
        """Return a response that was valid for a request, and has expired."""
        return str(await call_test_method(self.adapter, "solve_late", proof_request))

    async def received(self) -> list[str]:
        """Return the responses that the provider was asked about, answered or not."""
        return list(await call_test_method(self.adapter, "received"))
