"""Deliver a code for a proof where the limits of strangers are used up."""

from dataclasses import dataclass
from hashlib import sha256

from application.otp.delivery_limiter import DeliveryLimiter
from application.ports.attestation import Attestation, AttestationProof, AttestationStatus
from application.ports.keyed_hashes import KeyedHashes
from application.ports.limits import LimitStore
from application.ports.repositories import UsedAttestations
from application.ports.system import Clock, SecurityEvents, SecurityEventType
from domain.errors import AttestationRequired
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.rate_limits import Acquisition, Reservation
from domain.otp.used_attestation import USED_ATTESTATION_TTL, UsedAttestation
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestDelivery:
    """Acquire the permits of a delivery in the part for proofs.

    - A proof is asked for only where it would get a permit now.
    - Each proof is accepted once: it is recorded before permits are acquired, and a delivery that
      is rejected later does not give it back.
    - One IP has as many proofs checked as it has messages: each check may be a request to a
      provider.
    """

    attestation: Attestation
    used_attestations: UsedAttestations
    delivery_limiter: DeliveryLimiter
    limit_store: LimitStore
    keyed_hashes: KeyedHashes
    clock: Clock
    events: SecurityEvents

    async def __call__(
        self,
        phone: PhoneNumber,
        client_ip: HashedClientIp,
        channel: Channel,
        proof: AttestationProof | None,
        reservation: Reservation,
    ) -> Acquisition | None:
        """Acquire permits that were rejected without a proof.

        Args:
            phone: The phone that the code is for.
            client_ip: The IP of the client.
            channel: How the code is delivered.
            proof: The proof, None if the client asks what it needs for one.
            reservation: The reservation with all parts.

        Returns:
            The permits, or None if the client has to wait.

        Raises:
            AttestationRequired: there is no proof, or it is not valid.
            StorageError
        """
        limiter = self.delivery_limiter
        if not await limiter.is_available_with_proof(reservation):
            return None
        subject = self.keyed_hashes.hash_phone(phone)
        if proof is None:
            raise await self._require(phone, channel, subject)
        now = self.clock.now()
        checks = Reservation(now, limiter.rate_limits.for_attestation(client_ip))
        [counted] = await self.limit_store.acquire(checks)
        if not isinstance(counted, Acquisition):
            self._reject(phone, channel, "limited", "too many proofs of this IP")
            return None
        result = await self.attestation.verify(proof, subject)
        if result.status is not AttestationStatus.VALID:
            self._reject(phone, channel, result.status.value, result.reason)
            if result.status is AttestationStatus.INVALID:
                raise await self._require(phone, channel, subject)
            return None
        used = UsedAttestation(
            sha256(result.proof_id.encode()).hexdigest(), now + USED_ATTESTATION_TTL
        )
        if not await self.used_attestations.add(used):
            self._reject(phone, channel, "used", "the proof was used before")
            return None
        self._emit(SecurityEventType.ATTESTATION_ACCEPTED, phone, channel)
        acquired = await limiter.acquire_with_proof(reservation)
        return acquired if isinstance(acquired, Acquisition) else None

    async def _require(
        self, phone: PhoneNumber, channel: Channel, subject: str
    ) -> AttestationRequired:
        self._emit(SecurityEventType.ATTESTATION_REQUIRED, phone, channel)
        challenge = await self.attestation.challenge(subject, self.clock.now())
        return AttestationRequired({"type": challenge.type, **challenge.fields})

    def _reject(self, phone: PhoneNumber, channel: Channel, result: str, reason: str) -> None:
        self._emit(SecurityEventType.ATTESTATION_REJECTED, phone, channel, result, reason)

    def _emit(
        self,
        event: SecurityEventType,
        phone: PhoneNumber,
        channel: Channel,
        result: str = "",
        reason: str = "",
    ) -> None:
        self.events.emit(event, phone=phone, channel=channel, result=result, reason=reason)
