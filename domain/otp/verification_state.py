"""What operators see of the verification of a phone: why it gets no code, or no code is correct."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from domain.otp.attempt_counter import Client, ClientKind
from domain.otp.delivery import Delivery
from domain.otp.delivery_policy import Wait
from domain.otp.phone_verification import STRANGER, PhoneVerification
from domain.otp.rejection import Rejection


class NotServedReason(Enum):
    """Why nothing is sent to a number at all."""

    TEST_OTP = auto()
    COUNTRY = auto()
    BLOCK = auto()
    PHONE_TYPE = auto()
    PHONE_BLOCKED = auto()


@dataclass(frozen=True, slots=True)
class NotServed:
    """The reason, and in `detail` its country, or what block or type it is."""

    reason: NotServedReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationState:
    """The state of the verification of a phone.

    Attributes:
        next_message: When a client that nobody knows can cause a message.
        code_expires_at: That of the latest message; None if no code is active.
        attempts_left: Those of the client that caused this message; None if no code is active.
        attempts_of_next: How many attempts the next message brings.
        deliveries: Those of the last day, the newest first.
        rejections: The latest of the last day, the newest first.
        keeps_rejections: Whether the phone keeps them; otherwise only the log has them.
    """

    blocked_since: datetime | None
    not_served: NotServed | None
    next_message: Wait
    next_message_to_known: Wait
    code_expires_at: datetime | None
    attempts_left: int | None
    attempts_of_next: int
    failures_in_a_row: int
    resets_left: int
    deliveries: tuple[Delivery, ...]
    rejections: tuple[Rejection, ...] = ()
    keeps_rejections: bool = True


def find_active_code(
    verification: PhoneVerification, now: datetime
) -> tuple[datetime | None, int | None]:
    """Return when the code of the latest message expires, and the attempts of its client.

    The attempts are those of its request id or, for a client that sends no id, of its network:
    whichever are fewer.
    """
    active = {challenge.id: challenge for challenge in verification.challenges.active(now)}
    for delivery in reversed(verification.deliveries.all):
        if (challenge := active.get(delivery.challenge_id)) is not None:
            clients = (
                Client(ClientKind.REQUEST, delivery.request_id),
                Client(ClientKind.NETWORK, delivery.client_ip.network),
            )
            left = [verification.attempts_left(each, challenge, STRANGER) for each in clients]
            return challenge.expires_at, min(left)
    return None, None
