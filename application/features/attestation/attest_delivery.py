"""Deliver a code for a proof where the limits of strangers are used up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from application.features.attestation.events import (
    AttestationAccepted,
    AttestationRejected,
    AttestationRequested,
)
from application.features.attestation.ports import Attestation, AttestationStatus
from application.limits.delivery_limiter import DeliveryLimiter
from application.ports.errors import PortError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from domain.features.attestation.errors import AttestationRequired
from domain.features.attestation.used_attestation import USED_ATTESTATION_TTL, UsedAttestation
from domain.otp.attestation_proof import AttestationProof
from domain.otp.delivery import Channel
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Recognition
from domain.otp.rate_limits import Acquisition, Reservation, Restriction
from domain.phone import PhoneNumber

UNAVAILABLE_PERIOD: Final = timedelta(seconds=30)
"""When a proof that could not be checked is worth another attempt: its provider may be back."""
_LIMITED: Final = ("limited", "too many proofs of this IP")
"""The result and the reason of a proof that is not checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestDelivery:
    """Acquire the permits of a delivery in the part for proofs.

    - A proof is asked for only where it would be checked, and get a permit, now.
    - Each proof is accepted once: it is recorded before permits are acquired, and a delivery that
      is rejected later does not give it back.
    - One IP has as many proofs checked as it has messages: each check may be a request to a
      provider.
    """

    attestation: Attestation
    used_attestations: ExpiringRecords[UsedAttestation]
    delivery_limiter: DeliveryLimiter
    keyed_hashes: KeyedHashes
    clock: Clock
    events: SecurityEvents

    async def __call__(
        self,
        phone: PhoneNumber,
        request: OtpRequest,
        proof: AttestationProof | None,
        recognition: Recognition,
        reservation: Reservation,
        restriction: Restriction | None,
        available_at: datetime,
    ) -> Acquisition | datetime:
        limiter, client_ip, channel = self.delivery_limiter, request.client_ip, request.channel
        with_proof_at = await limiter.next_available_with_proof(reservation, client_ip, restriction)
        if with_proof_at is None:
            return available_at
        now = reservation.acquired_at
        if with_proof_at > now:
            if proof is not None and await limiter.next_check_of_proof(now, client_ip) > now:
                self._reject(phone, channel, *_LIMITED)
            return min(available_at, with_proof_at)
        required = AttestationRequested(
            phone=phone, channel=channel, recognition=recognition, has_proof=proof is not None
        )
        subject = self.keyed_hashes.hash_phone(phone)
        if proof is None:
            return await self._require(required, subject, available_at)
        counted = await limiter.acquire_check_of_proof(now, client_ip)
        if not isinstance(counted, Acquisition):
            self._reject(phone, channel, *_LIMITED)
            return min(available_at, counted)
        result = await self.attestation.verify(proof, subject)
        if result.status is AttestationStatus.UNAVAILABLE:
            self._reject(phone, channel, result.status.value, result.reason)
            return min(available_at, now + UNAVAILABLE_PERIOD)
        is_valid = result.status is AttestationStatus.VALID
        if await self._is_used(result.proof_id, is_valid=is_valid):
            self._reject(phone, channel, "used", "the proof was used before")
            return with_proof_at
        if not is_valid:
            self._reject(phone, channel, result.status.value, result.reason)
            checked_at = await limiter.next_check_of_proof(now, client_ip)
            if checked_at > now:
                return min(available_at, checked_at)
            return await self._require(required, subject, available_at)
        self.events.record(AttestationAccepted(phone=phone, channel=channel))
        acquired = await limiter.acquire_with_proof(reservation)
        return acquired if isinstance(acquired, Acquisition) else min(available_at, acquired)

    async def _is_used(self, proof_id: str, *, is_valid: bool) -> bool:
        """Return whether a proof was used before. A valid proof is used from now on.

        A provider that accepts each response once calls a used response invalid.
        """
        used_id = sha256(proof_id.encode(errors="surrogatepass")).hexdigest()
        if is_valid:
            expires_at = self.clock.now() + USED_ATTESTATION_TTL
            return not await self.used_attestations.add(UsedAttestation(used_id, expires_at))
        return bool(proof_id) and await self.used_attestations.load(used_id) is not None

    async def _require(
        self, required: AttestationRequested, subject: str, available_at: datetime
    ) -> datetime:
        """Ask for a proof. Without a challenge the client waits."""
        try:
            challenge = await self.attestation.challenge(subject, self.clock.now())
        except PortError as error:
            status = AttestationStatus.UNAVAILABLE.value
            self._reject(required.phone, required.channel, status, str(error))
            return min(available_at, self.clock.now() + UNAVAILABLE_PERIOD)
        self.events.record(required)
        raise AttestationRequired({**challenge.fields, "type": challenge.type})

    def _reject(self, phone: PhoneNumber, channel: Channel, result: str, reason: str) -> None:
        self.events.record(
            AttestationRejected(phone=phone, channel=channel, result=result, reason=reason)
        )
