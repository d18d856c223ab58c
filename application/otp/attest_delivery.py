"""Deliver a code for a proof where the limits of strangers are used up."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from application.otp.delivery_limiter import DeliveryLimiter
from application.ports.attestation import Attestation, AttestationProof, AttestationStatus
from application.ports.errors import PortError
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
        available_at: datetime,
    ) -> Acquisition | datetime:
        """Acquire permits that were rejected without a proof.

        Args:
            phone: The phone that the code is for.
            client_ip: The IP of the client.
            channel: How the code is delivered.
            proof: The proof, None if the client asks what it needs for one.
            reservation: The reservation with all parts.
            available_at: When there are permits without a proof.

        Returns:
            The permits, or when the same request can be sent again: with a new proof, if that gets
            permits earlier than none.

        Raises:
            AttestationRequired: there is no proof, or it is not valid.
            StorageError
        """
        limiter = self.delivery_limiter
        with_proof_at = await limiter.next_available_with_proof(reservation)
        if with_proof_at is None:
            return available_at
        if with_proof_at > reservation.acquired_at:
            return min(available_at, with_proof_at)
        subject = self.keyed_hashes.hash_phone(phone)
        if proof is None:
            return await self._require(phone, channel, subject, available_at)
        now = self.clock.now()
        checks = Reservation(now, limiter.rate_limits.for_attestation(client_ip))
        [counted] = await self.limit_store.acquire(checks)
        if not isinstance(counted, Acquisition):
            self._reject(phone, channel, "limited", "too many proofs of this IP")
            return min(available_at, counted)
        result = await self.attestation.verify(proof, subject)
        if result.status is not AttestationStatus.VALID:
            self._reject(phone, channel, result.status.value, result.reason)
            if result.status is AttestationStatus.INVALID:
                return await self._require(phone, channel, subject, available_at)
            return available_at
        used = UsedAttestation(
            sha256(result.proof_id.encode()).hexdigest(), now + USED_ATTESTATION_TTL
        )
        if not await self.used_attestations.add(used):
            self._reject(phone, channel, "used", "the proof was used before")
            return available_at
        self._emit(SecurityEventType.ATTESTATION_ACCEPTED, phone, channel)
        acquired = await limiter.acquire_with_proof(reservation)
        return acquired if isinstance(acquired, Acquisition) else min(available_at, acquired)

    async def _require(
        self, phone: PhoneNumber, channel: Channel, subject: str, available_at: datetime
    ) -> datetime:
        """Ask for a proof. Without a challenge the client waits."""
        try:
            challenge = await self.attestation.challenge(subject, self.clock.now())
        except PortError as error:
            self._reject(phone, channel, AttestationStatus.UNAVAILABLE.value, str(error))
            return available_at
        self._emit(SecurityEventType.ATTESTATION_REQUIRED, phone, channel)
        raise AttestationRequired({"type": challenge.type, **challenge.fields})

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
