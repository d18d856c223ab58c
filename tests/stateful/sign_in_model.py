"""A model of sign-in with one phone: the phone's verification, its provider and its sessions.

All times are seconds.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import Final

from application.ports.messenger import DeliveryStatus
from domain.phone import PhoneNumber
from tests.unit.domain.otp.phone_model_values import DAY, ModelDelivery
from tests.unit.domain.otp.phone_verification_model import PhoneVerificationModel

TOKEN_TTL: Final = 90 * DAY
MAX_SESSIONS: Final = 20
_PENDING: Final = "pending"


def is_known(text: str) -> bool:
    """Return whether a request id or a code was in a response or a message yet."""
    return not text.startswith(_PENDING)


class RequestOutcome(Enum):
    """What a request for a code leads to."""

    DELIVERED = auto()
    REFERRED = auto()
    RATE_LIMITED = auto()
    DELIVERY_FAILED = auto()
    INVALID_NUMBER = auto()


@dataclass
class PhoneModel:
    """A phone with its sessions: the access token of each and when it was created."""

    phone: PhoneNumber
    verification: PhoneVerificationModel = field(default_factory=PhoneVerificationModel)
    sessions: dict[str, float] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)

    def request_otp(
        self, client_ip: str, now: float, status: DeliveryStatus
    ) -> tuple[RequestOutcome, ModelDelivery | None, str]:
        """Request a code. The id of the request and the code of a new challenge are pending."""
        pending = f"{_PENDING} {next(self.numbers)}"
        if not self.verification.allows_delivery(client_ip, now):
            delivery = self.verification.refer(pending, client_ip, now)
            outcome = RequestOutcome.REFERRED if delivery else RequestOutcome.RATE_LIMITED
            return outcome, delivery, pending
        if not self.verification.is_blocked:
            if status is DeliveryStatus.REJECTED:
                return RequestOutcome.DELIVERY_FAILED, None, pending
            if status is DeliveryStatus.INVALID_NUMBER:
                return RequestOutcome.INVALID_NUMBER, None, pending
        delivery = self.verification.deliver(pending, client_ip, now, pending)
        return RequestOutcome.DELIVERED, delivery, pending

    def is_active(self, token: str, now: float) -> bool:
        """Return whether the session of a token is active."""
        return token in self.sessions and now - self.sessions[token] < TOKEN_TTL

    def add_session(self, token: str, now: float) -> None:
        """Add a session, and revoke the oldest of more than twenty."""
        active = [kept for kept in self.sessions if self.is_active(kept, now)]
        newest = {kept: self.sessions[kept] for kept in active[1 - MAX_SESSIONS :]}
        self.sessions = newest | {token: now}

    def revoke_session(self, token: str) -> None:
        """Revoke the session of a token."""
        del self.sessions[token]

    def revoke_all_sessions(self) -> None:
        """Revoke all sessions. Everything counted stays counted."""
        self.sessions = {}

    def block(self) -> None:
        """Block the phone."""
        self.verification.is_blocked = True
        self.revoke_all_sessions()

    def unblock(self) -> None:
        """Unblock the phone."""
        self.verification.is_blocked = False

    @property
    def recent_codes(self) -> list[str]:
        """The latest codes that were in a message."""
        codes = [challenge.code for challenge in self.verification.challenges]
        return [code for code in codes if is_known(code)][-3:]
