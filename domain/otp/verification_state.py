"""What operators see of the verification of a phone: why it gets no code, or no code is correct."""

from dataclasses import dataclass
from datetime import datetime

from domain.otp.delivery import CounterKind, Delivery
from domain.otp.delivery_policy import Wait
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rejection import Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationState:
    """The state of the verification of a phone.

    Attributes:
        blocked_since: Since when no code signs in.
        not_served: Why nothing is sent to this number at all; empty where it is served.
        next_message: When a client that nobody knows can cause a message.
        next_message_to_known: When a recognized device or a trusted IP can cause one.
        code_expires_at: When the code of the latest message expires; None if no code is active.
        attempts_left: How many attempts the client that caused this message has; None if no code is
            active.
        attempts_of_next: How many attempts the next message brings.
        resets_left: How often the limits can be reset today.
        deliveries: Those of the last day, the newest first.
        rejections: The latest of the last day, the newest first.
        keeps_rejections: Whether the phone keeps them; otherwise only the log has them.
    """

    blocked_since: datetime | None
    not_served: str
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

    The attempts are those of its request id or, for a client that sends no id, of its IP: whichever
    are fewer.
    """
    active = {challenge.id: challenge for challenge in verification.challenges.active(now)}
    for delivery in reversed(verification.deliveries.all):
        if delivery.challenge_id in active:
            kind, request_id = CounterKind.FIRST_REQUEST, delivery.request_id
            by_id = delivery.counter_of(kind, request_id, delivery.attempt_limit)
            by_ip = delivery.counter_of_ip(delivery.client_ip)
            left = max(0, min(by_id.left, by_ip.left))
            return active[delivery.challenge_id].expires_at, left
    return None, None
