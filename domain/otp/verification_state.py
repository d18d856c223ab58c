"""What operators see of the verification of a phone: why it gets no code, or no code is correct."""

from dataclasses import dataclass
from datetime import datetime

from domain.otp.delivery import CounterKind, Delivery, UnknownDelivery
from domain.otp.delivery_policy import Wait
from domain.otp.phone_verification import MAX_RESETS_A_DAY, PhoneVerification


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationState:
    """The state of the verification of a phone.

    Attributes:
        blocked_since: Since when nothing is sent and no code is correct.
        not_served: Why nothing is sent to this number at all; empty where it is served.
        next_message: When a client that nobody knows can cause a message.
        next_message_to_known: When a recognized device or a trusted IP can.
        code_expires_at: When the code of the latest message expires; None if no code is active.
        attempts_left: How many attempts the client has that caused it; None if none is active.
        attempts_of_next: How many attempts the next message brings.
        failures_in_a_row: Failed attempts since the last success.
        resets_left: How often the limits can be reset today.
        deliveries: The deliveries of the last day, the newest first.
        unknown_deliveries: Those of them whose result is unknown.
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
    unknown_deliveries: tuple[UnknownDelivery, ...] = ()


def find_active_code(
    verification: PhoneVerification, now: datetime
) -> tuple[datetime | None, int | None]:
    """Return when the code of the latest message expires, and the attempts of its client.

    These are those of its request id or, for a client that sends none, of its IP: whichever are
    fewer. Both are None if no code is active.
    """
    active = {challenge.id: challenge for challenge in verification.active_challenges(now)}
    for delivery in reversed(verification.deliveries):
        if delivery.challenge_id in active:
            kind, request_id = CounterKind.FIRST_REQUEST, delivery.request_id
            by_id = delivery.counter_of(kind, request_id, delivery.attempt_limit)
            by_ip = delivery.counter_of_ip(delivery.client_ip)
            left = max(0, min(by_id.left, by_ip.left))
            return active[delivery.challenge_id].expires_at, left
    return None, None


def resets_left(verification: PhoneVerification) -> int:
    """Return how often the limits of a pruned verification can be reset today."""
    return max(0, MAX_RESETS_A_DAY - len(verification.limit_resets))
