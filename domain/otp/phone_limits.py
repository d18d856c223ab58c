"""The limits of a phone: where a request stands, and what operators see."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from domain.errors import CountryNotServed, TooManyOtpRequests
from domain.otp.challenge import Challenge, Client, ClientKind, MessageChallenges, Purpose
from domain.otp.delivery import Deliveries, Delivery, JoinedRequest, order_after
from domain.otp.delivery_policy import (
    PHONE_IS_BLOCKED,
    DeliveryDecision,
    Limitation,
    Rejection,
    Wait,
)
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Permits
from domain.otp.phone_verification import STRANGER, PhoneVerification, RecognizedClient
from domain.otp.sliding_window import whole_seconds


@dataclass(frozen=True, slots=True)
class RequestStanding:
    """A request, and the state of the phone that it is decided on. Nothing is recorded yet."""

    request: OtpRequest
    loaded: PhoneVerification
    state: PhoneVerification
    client: RecognizedClient
    wait: Wait

    def join(self) -> tuple[PhoneVerification, DeliveryDecision] | None:
        """Let a request within the cooldown join an earlier delivery; None if a message may go.

        Nothing is sent. While a code for the same purpose and identity is valid, the request gets
        an id of its own for the latest delivery of this code, whoever requested that.

        Raises:
            CountryNotServed: the phone is blocked, and has no account.
            DeliveryFailed, TooManyOtpRequests: it joins nothing, and is rejected before the limits
                of the phone or by them.
        """
        request, state, wait = self.request, self.state, self.wait
        if state.gets_no_messages and not request.has_fixed_code:
            raise CountryNotServed(PHONE_IS_BLOCKED)
        if wait.limitation is not None and (joined := self._join_latest()) is not None:
            delivery, challenge = joined
            successor = replace(state, deliveries=state.deliveries.set_delivery(delivery))
            return successor, DeliveryDecision(
                delivery, challenge, request.new_request_id, wait.until, is_new=False
            )
        if request.rejection_error is not None:
            raise request.rejection_error
        if wait.limitation is not None:
            seconds = whole_seconds(request.now, wait.until)
            raise TooManyOtpRequests(seconds, wait.limitation.name.lower())
        return None

    def add_delivery(self, permits: Permits) -> tuple[PhoneVerification, DeliveryDecision]:
        """Record a new delivery, or join one that a parallel request caused.

        - A resend carries the same code and does not extend its life. With less than a minute
          left a new challenge is made, and the old one stays valid to its end.
        - After a code that was not entered, the provider after the one that had it is first.
        """
        if (joined := self.join()) is not None:
            return joined
        request, state, challenges = self.request, self.state, self.state.challenges
        resendable = [
            challenge
            for challenge in challenges.for_purpose(request.purpose, request.bound_to)
            if challenge.is_resendable(request.now, request.key_ids)
        ]
        challenge = resendable[-1] if resendable else request.new_challenge
        last_provider = state.last_provider(request.channel, request.purpose, request.bound_to)
        requester = state.requester(request.client_ip, self.client)
        delivery = Delivery(
            request.new_request_id,
            challenge.id,
            request.client_ip,
            request.now,
            device_id=self.client.device_id,
            uses_own_quota=request.policy.uses_own_quota(requester, request.now),
            channel=request.channel,
            call_id=request.new_call_id,
            permits=permits,
            provider=next(iter(order_after(request.providers, last_provider)), ""),
        )
        successor = replace(
            state,
            challenges=(
                challenges if resendable else MessageChallenges((*challenges.all, challenge))
            ),
            deliveries=Deliveries((*state.deliveries.all, delivery)),
        )
        next_wait = successor.find_wait(request.client_ip, self.client, request.policy, request.now)
        return successor, DeliveryDecision(
            delivery,
            challenge,
            request.new_request_id,
            next_wait.until,
            is_new=True,
            identity_id=None if request.purpose is Purpose.VERIFICATION else state.identity_id,
            last_provider=last_provider,
        )

    def _join_latest(self) -> tuple[Delivery, Challenge] | None:
        """Return the latest delivery of an active code with the new request, and its challenge.

        None after the cooldown, if there is no such delivery, if too many requests joined it, or if
        the id would bring a stranger no attempt.
        """
        request, state, client = self.request, self.state, self.client
        requester = state.requester(request.client_ip, client)
        if self.wait.limitation is Limitation.FAILED_ATTEMPTS or request.policy.is_cooled_down(
            requester, request.now
        ):
            return None
        active = {
            challenge.id: challenge
            for challenge in state.challenges.for_purpose(request.purpose, request.bound_to)
            if challenge.is_active(request.now)
        }
        found = [each for each in state.deliveries.all if each.challenge_id in active]
        if not found:
            return None
        latest, network = found[-1], Client(ClientKind.NETWORK, request.client_ip.network)
        challenge = active[latest.challenge_id]
        # From fifty failures in a row on its id counts on its network.
        is_limited = client.is_stranger and state.failures.has_fewer_attempts
        if is_limited and not state.attempts_left(network, challenge, client):
            return None
        joined = latest.join(
            JoinedRequest(request.new_request_id, network.id, not client.is_stranger)
        )
        return (joined, challenge) if joined else None


def find_standing(verification: PhoneVerification, request: OtpRequest) -> RequestStanding:
    """Check a request on what is known about a phone."""
    state = verification.prune(request.now)
    client = state.recognize(request)
    wait = state.find_wait(request.client_ip, client, request.policy, request.now)
    return RequestStanding(request, verification, state, client, wait)


class NotServedReason(Enum):
    """Why nothing is sent to a number at all."""

    FIXED_CODE = auto()
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
        next_message: When an unknown client can cause a message.
        code_expires_at: For the latest message; None if no code is active.
        attempts_left: Attempts of that message's client; None if no code is active.
        attempts_of_next: How many attempts the next message brings.
        deliveries: From the last day, the newest first.
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
