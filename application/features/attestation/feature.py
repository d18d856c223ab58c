"""Build what asks for proofs before a message."""

from application.features.attestation.attest_delivery import AttestDelivery
from application.features.attestation.ports import Attestation
from application.operations.cleanup import expire
from application.otp.feature import LimitUseCases, OtpUseCases
from application.ports.versioned import ExpiringRecords
from application.use_cases import UseCases
from domain.features.attestation.used_attestation import UsedProof


class AttestationFeature:
    """Asks for proofs, if there is something that checks them, and deletes those that were used."""

    def __init__(
        self,
        core: UseCases,
        used_proofs: ExpiringRecords[UsedProof],
        attestation: Attestation | None,
        *,
        asks_strangers: bool,
    ) -> None:
        """Build it; it asks strangers everywhere, or only where their limits are used up."""
        core.operations.cleanup.add_steps({"expired_attestations": expire(used_proofs)})
        if attestation is None:
            return
        limiter = core.of(LimitUseCases).delivery_limiter
        limiter.asks_strangers = asks_strangers
        core.of(OtpUseCases).extensions.acquire_for_proof = AttestDelivery(
            attestation=attestation,
            used_proofs=used_proofs,
            delivery_limiter=limiter,
            keyed_hashes=core.keyed_hashes,
            clock=core.system.clock,
            events=core.system.events,
        )
