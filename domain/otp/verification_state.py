"""What operators see of the verification of a phone: why it gets no code, or no code is correct."""

from dataclasses import dataclass
from datetime import datetime

from domain.otp.delivery import CounterKind, Delivery
from domain.otp.delivery_policy import Wait
from domain.otp.failures import MAX_FAILURES_AFTER_RESET
from domain.otp.grants import MAX_OPERATOR_CODE_NETWORKS
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rejection import Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAttempts:
    """What is left of a code that an operator sent: no earlier failure uses it up.

    Attributes:
        left_by_network: The attempts of each network that failed.
        other_networks: How many other networks have attempts.
        attempts_of_network: How many each of them has.
    """

    expires_at: datetime
    left_by_network: tuple[int, ...]
    other_networks: int
    attempts_of_network: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationState:
    """The state of the verification of a phone.

    Attributes:
        blocked_since: Since when nothing is sent and no code is correct.
        not_served: Why nothing is sent to this number at all; empty where it is served.
        next_message: When a client that nobody knows can cause a message.
        next_message_to_known: When a recognized device or a trusted IP can cause one.
        code_expires_at: When the code of the latest message that a client caused expires, or else
            that of an operator's message; None if no code is active.
        attempts_left: How many attempts the client that caused this message has; None if no code is
            active, or only one that an operator sent.
        operator_attempts: What is left of the code that an operator sent; None if none is active.
        operator_codes_left: How many codes operators can send today.
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
    operator_attempts: OperatorAttempts | None
    operator_codes_left: int
    attempts_of_next: int
    failures_in_a_row: int
    resets_left: int
    deliveries: tuple[Delivery, ...]
    rejections: tuple[Rejection, ...] = ()
    keeps_rejections: bool = True


def find_active_code(
    verification: PhoneVerification, now: datetime
) -> tuple[datetime | None, int | None]:
    """Return when the code of the latest message of a client expires, and the client's attempts.

    The attempts are those of its request id or, for a client that sends no id, of its IP: whichever
    are fewer. They are None if the only active code is one that an operator sent.
    """
    expires_at = None
    active = {challenge.id: challenge for challenge in verification.challenges.active(now)}
    for delivery in reversed(verification.deliveries.all):
        if delivery.challenge_id in active:
            if verification.grants.is_of_operator(delivery):
                expires_at = expires_at or active[delivery.challenge_id].expires_at
                continue
            kind, request_id = CounterKind.FIRST_REQUEST, delivery.request_id
            by_id = delivery.counter_of(kind, request_id, delivery.attempt_limit)
            by_ip = delivery.counter_of_ip(delivery.client_ip)
            left = max(0, min(by_id.left, by_ip.left))
            return active[delivery.challenge_id].expires_at, left
    return expires_at, None


def find_operator_attempts(
    verification: PhoneVerification, now: datetime
) -> OperatorAttempts | None:
    """Return what is left of the code that an operator sent, None if none is active."""
    found = verification.find_operator_code(now)
    if found is None:
        return None
    code, delivery = found
    challenge = verification.challenges.find(delivery.challenge_id)
    is_ended = verification.failures.in_a_row >= MAX_FAILURES_AFTER_RESET
    return OperatorAttempts(
        expires_at=challenge.expires_at if challenge else delivery.expires_at,
        left_by_network=tuple(0 if is_ended else max(0, counter.left) for counter in code.counters),
        other_networks=0 if is_ended else MAX_OPERATOR_CODE_NETWORKS - len(code.counters),
        attempts_of_network=code.attempt_limit,
    )
