"""Proofs before a message."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, Protocol

from application.additions import Additions
from application.core_ports import CorePorts
from application.limits.delivery_limiter import LimitReached, RequestPermits
from application.operations.cleanup import expire
from application.ports.errors import PortError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.security_events import PhoneEvent, SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from domain.features.attestation import USED_PROOF_TTL, AttestationRequired, UsedProof
from domain.otp.delivery import Channel
from domain.otp.otp_request import OtpRequest, Proof
from domain.otp.permits import Clients, Permits, Recognition
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """What a client needs for a proof.

    Attributes:
        type: The kind of proof, which the client sends back with its response.
        fields: What the kind needs, such as `site_key` or `challenge`: values of JSON. Clients see
            them, so they have no phone number and no secret.
    """

    type: str
    fields: Mapping[str, object]


class ProofStatus(StrEnum):
    """What became of a proof.

    - `VALID`: it is a proof for this subject, made within the last minutes.
    - `INVALID`: it is no proof, it has expired, or it is for another subject or another kind.
    - `UNAVAILABLE`: it could not be checked. It may be valid.
    """

    VALID = "valid"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ProofResult:
    """The status of a proof.

    Attributes:
        proof_id: An id that all responses with the same proof have; set if the proof is valid, or
            may have been before. The caller accepts each id once.
        reason: Why it is not valid, for operators: no phone number, no secret, no response.
    """

    status: ProofStatus
    proof_id: str = ""
    reason: str = ""


class Attestation(Protocol):
    """Asks clients for a proof, and checks it.

    - An error of a provider while it checks a proof is a result, not an exception.
    - Both methods end within three seconds, and never ask a provider twice.
    - A valid proof stays valid for its adapter: the caller sees to it that each is accepted once.
      It expires within an hour.
    - A proof for another subject is invalid, unless the adapter has an attribute `binds_subject`
      that is False: its provider makes requests that are for no subject.
    """

    async def request_proof(self, subject: str, now: datetime) -> ProofRequest:
        """Return what a client needs for a proof.

        Args:
            subject: The keyed hash of the phone that the proof is for. Clients do not see it.
            now: The current time.

        Raises:
            PortError: there is none; the text says why, for operators.
        """
        ...

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        """Check a proof for the subject."""
        ...


@dataclass(frozen=True, kw_only=True)
class AttestationRequested(PhoneEvent):
    """The app was asked for a proof. The other fields are those of a `Rejection`."""

    name = "attestation_required"
    max_lines_a_minute = 100
    channel: Channel
    clients: str = Clients.STRANGERS
    recognition: Recognition = Recognition.NONE
    has_proof: bool = False


@dataclass(frozen=True, kw_only=True)
class AttestationAccepted(PhoneEvent):
    """The proof was right, and is used up."""

    name = "attestation_accepted"
    channel: Channel


@dataclass(frozen=True, kw_only=True)
class AttestationRejected(PhoneEvent):
    """The proof was not accepted. The result is one word, and the reason says more."""

    name = "attestation_rejected"
    is_warning = True
    channel: Channel
    result: str
    reason: str


UNAVAILABLE_PERIOD: Final = timedelta(seconds=30)
"""When a proof that could not be checked is worth another attempt: its provider may be back."""
_LIMITED: Final = ("limited", "too many proofs of this IP")
"""The result and the reason of a proof that is not checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestDelivery:
    """Acquire the permits of a delivery for a proof.

    - A proof is asked for only where it would be checked, and get a permit, now.
    - Each proof is accepted once: it is recorded before permits are acquired, and a delivery that
      is rejected later does not make it unused.
    - One IP has as many proofs checked as it has messages: each check may be a request to a
      provider.
    """

    attestation: Attestation
    used_proofs: ExpiringRecords[UsedProof]
    keyed_hashes: KeyedHashes
    clock: Clock
    events: SecurityEvents

    async def __call__(
        self,
        phone: PhoneNumber,
        request: OtpRequest,
        proof: Proof | None,
        permits: RequestPermits,
        rejected: LimitReached,
    ) -> Permits | LimitReached:
        limiter, client_ip, channel = permits.limiter, request.client_ip, request.channel
        now = request.now
        checked_at, permitted_at = await asyncio.gather(
            limiter.next_check_of_proof(client_ip, now),
            permits.next_available(now, has_proof=True),
        )
        if max(checked_at, permitted_at) > now:
            if proof is not None and checked_at > now:
                self._reject(phone, channel, *_LIMITED)
            return _until(rejected, max(checked_at, permitted_at))
        required = AttestationRequested(
            phone=phone,
            channel=channel,
            recognition=permits.recognition,
            has_proof=proof is not None,
        )
        subject = self.keyed_hashes.hash_phone(phone)
        if proof is None:
            return await self._require(required, subject, rejected)
        checked_at = await limiter.acquire_check_of_proof(client_ip, now) or now
        if checked_at > now:
            self._reject(phone, channel, *_LIMITED)
            return _until(rejected, checked_at)
        result = await self.attestation.verify(proof, subject)
        if result.status is ProofStatus.UNAVAILABLE:
            self._reject(phone, channel, result.status.value, result.reason)
            return _until(rejected, now + UNAVAILABLE_PERIOD)
        is_valid = result.status is ProofStatus.VALID
        if await self._is_used(result.proof_id, is_valid=is_valid):
            self._reject(phone, channel, "used", "the proof was used before")
            return replace(rejected, until=now)
        if not is_valid:
            self._reject(phone, channel, result.status.value, result.reason)
            checked_at = await limiter.next_check_of_proof(client_ip, now)
            if checked_at > now:
                return _until(rejected, checked_at)
            return await self._require(required, subject, rejected)
        self.events.record(AttestationAccepted(phone=phone, channel=channel))
        acquired = await permits.acquire(has_proof=True)
        return acquired if isinstance(acquired, Permits) else _until(rejected, acquired.until)

    async def _is_used(self, proof_id: str, *, is_valid: bool) -> bool:
        """Return whether a proof was used before. A valid proof is used from now on.

        A provider that accepts each response once calls a used response invalid.
        """
        used_id = sha256(proof_id.encode(errors="surrogatepass")).hexdigest()
        if is_valid:
            expires_at = self.clock.now() + USED_PROOF_TTL
            return not await self.used_proofs.add(UsedProof(used_id, expires_at))
        return bool(proof_id) and await self.used_proofs.load(used_id) is not None

    async def _require(
        self, required: AttestationRequested, subject: str, rejected: LimitReached
    ) -> LimitReached:
        """Ask for a proof. If that cannot be done now, the client waits."""
        try:
            requested = await self.attestation.request_proof(subject, self.clock.now())
        except PortError as error:
            status = ProofStatus.UNAVAILABLE.value
            self._reject(required.phone, required.channel, status, str(error))
            return _until(rejected, self.clock.now() + UNAVAILABLE_PERIOD)
        self.events.record(required)
        raise AttestationRequired({**requested.fields, "type": requested.type})

    def _reject(self, phone: PhoneNumber, channel: Channel, result: str, reason: str) -> None:
        self.events.record(
            AttestationRejected(phone=phone, channel=channel, result=result, reason=reason)
        )


def _until(rejected: LimitReached, time: datetime) -> LimitReached:
    """Return the rejection, which ends at this time at the latest."""
    return replace(rejected, until=min(rejected.until, time))


def ask_for_proofs(
    core_ports: CorePorts,
    used_proofs: ExpiringRecords[UsedProof],
    attestation: Attestation | None,
    *,
    asks_strangers: bool,
) -> Additions:
    """Ask for proofs, if there is something that checks them, and delete those that were used.

    It asks strangers everywhere, or only where their limits are used up.
    """
    steps = {"expired_attestations": expire(used_proofs)}
    if attestation is None:
        return Additions(cleanup_steps=steps)
    return Additions(
        cleanup_steps=steps,
        asks_strangers=asks_strangers,
        acquire_for_proof=AttestDelivery(
            attestation=attestation,
            used_proofs=used_proofs,
            keyed_hashes=core_ports.keyed_hashes,
            clock=core_ports.system.clock,
            events=core_ports.system.events,
        ),
    )
