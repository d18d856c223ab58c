"""The security events of proofs before a code."""

from dataclasses import dataclass

from application.ports.security_events import PhoneEvent
from domain.otp.delivery import Channel
from domain.otp.permits import LimitOwner, Recognition


@dataclass(frozen=True, kw_only=True)
class AttestationRequested(PhoneEvent):
    """The app was asked for a proof. The other fields are those of a `Rejection`."""

    name = "attestation_required"
    max_lines_a_minute = 100
    channel: Channel
    part: str = LimitOwner.STRANGERS
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
