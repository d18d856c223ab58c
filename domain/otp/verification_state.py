"""What operators see of the verification of a phone: why it gets no code, or no code is correct."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.otp.delivery import CounterKind, Delivery
from domain.otp.delivery_policy import DeliveryPolicy, Requester
from domain.otp.phone_verification import MAX_RESETS_A_DAY, PhoneVerification

_INSTANT = timedelta(milliseconds=1)


class Limitation(StrEnum):
    """What keeps a message from being sent now."""

    COOLDOWN = "cooldown"
    PER_PHONE = "limit per phone"
    PER_PHONE_AND_NETWORK = "limit per phone and network"
    PER_IP = "limit per IP"
    PER_NETWORK = "limit per network"
    PER_NUMBER_RANGE = "limit per number range"
    PER_COUNTRY = "limit per country"
    TOTAL = "limit in total"


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when no message is sent, and why. `limitation` is None where one is sent now."""

    until: datetime
    limitation: Limitation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationState:
    """The state of the verification of a phone.

    Attributes:
        blocked_since: Since when nothing is sent and no code is correct.
        not_served: Why nothing is sent to this number at all; empty where it is served.
        next_message: When a client that nobody knows can cause a message.
        next_message_to_known: When a recognized device or a trusted IP can.
        code_expires_at: When the code of the latest message expires; None if no code is active.
        attempts_left: How many attempts the request has that caused it; None if none is active.
        failures_in_a_row: Failed attempts since the last success.
        resets_left: How often the limits can be reset today.
        deliveries: The deliveries of the last day, the newest first.
    """

    blocked_since: datetime | None
    not_served: str
    next_message: Wait
    next_message_to_known: Wait
    code_expires_at: datetime | None
    attempts_left: int | None
    failures_in_a_row: int
    resets_left: int
    deliveries: tuple[Delivery, ...]


def explain_wait(policy: DeliveryPolicy, requester: Requester, now: datetime) -> Wait:
    """Return when the limits of the phone allow a message for this client, and what it waits for.

    Of several reasons it is the one that ends last.
    """
    until = policy.earliest_request(requester, now)
    if until <= now:
        return Wait(now)
    before = until - _INSTANT
    if not policy.is_cooled_down(requester, before):
        return Wait(until, Limitation.COOLDOWN)
    if not policy.has_capacity_of_phone(requester, before):
        return Wait(until, Limitation.PER_PHONE)
    return Wait(until, Limitation.PER_PHONE_AND_NETWORK)


def find_active_code(
    verification: PhoneVerification, now: datetime
) -> tuple[datetime | None, int | None]:
    """Return when the code of the latest message expires, and the attempts of its request.

    Both are None if no code is active.
    """
    active = {challenge.id: challenge for challenge in verification.active_challenges(now)}
    for delivery in reversed(verification.deliveries):
        if delivery.challenge_id in active:
            kind, request_id = CounterKind.FIRST_REQUEST, delivery.request_id
            counter = delivery.counter_of(kind, request_id, delivery.attempt_limit)
            return active[delivery.challenge_id].expires_at, max(0, counter.left)
    return None, None


def resets_left(verification: PhoneVerification) -> int:
    """Return how often the limits of a pruned verification can be reset today."""
    return max(0, MAX_RESETS_A_DAY - len(verification.limit_resets))
