"""A simple, slow model of one phone: lists that are counted again each time.

It is written from the rules and not from the code, so that the two can disagree. All times are
seconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass
class ModelChallenge:
    """A code and its life."""

    code: str
    expires_at: float
    is_used: bool = False


@dataclass
class ModelDelivery:
    """One message with a code."""

    request_id: str
    client_ip: str
    sent_at: float
    challenge: ModelChallenge
    uses_trusted_ip_quota: bool
    attempts_used: int = 0


def count_within(times: Iterable[float], now: float, period: float) -> int:
    """Return how many of the times are less than `period` ago."""
    return sum(now - time < period for time in times)


@dataclass
class PhoneVerificationModel:
    """Everything that ever happened to a phone."""

    challenges: list[ModelChallenge] = field(default_factory=list)
    deliveries: list[ModelDelivery] = field(default_factory=list)
    attempts_by_ip: list[tuple[str, float]] = field(default_factory=list)
    shared_attempts: list[float] = field(default_factory=list)
    last_login_by_ip: dict[str, float] = field(default_factory=dict)
    is_blocked: bool = False

    # Requests

    def is_trusted(self, client_ip: str, now: float) -> bool:
        """Return whether the phone logged in from this IP in the last ninety days."""
        login = self.last_login_by_ip.get(client_ip)
        return login is not None and now - login < 90 * DAY

    def recent_deliveries(self, now: float) -> list[ModelDelivery]:
        """Return the deliveries of the last day. Earlier ones count for nothing."""
        return [delivery for delivery in self.deliveries if now - delivery.sent_at < DAY]

    def cooldown_deliveries(self, client_ip: str, now: float) -> list[ModelDelivery]:
        """Return the deliveries that extend the cooldown: at a trusted IP only its own."""
        recent = self.recent_deliveries(now)
        if self.is_trusted(client_ip, now):
            return [delivery for delivery in recent if delivery.client_ip == client_ip]
        return recent

    def cooldown(self, client_ip: str, now: float) -> int:
        """Return 15 seconds for the first three deliveries of a day, then up to 128 times that."""
        deliveries = len(self.cooldown_deliveries(client_ip, now))
        return 15 << min(7, max(0, deliveries - 3))

    def is_cooled_down(self, client_ip: str, now: float) -> bool:
        """Return whether 15 seconds passed since any delivery, and the IP's own cooldown."""
        recent = self.recent_deliveries(now)
        if recent and now - recent[-1].sent_at < 15:
            return False
        counted = self.cooldown_deliveries(client_ip, now)
        return not counted or now - counted[-1].sent_at >= self.cooldown(client_ip, now)

    def has_shared_capacity(self, client_ip: str, now: float) -> bool:
        """Return whether the limits of the phone allow a delivery for this IP."""
        shared = [delivery for delivery in self.deliveries if not delivery.uses_trusted_ip_quota]
        all_times = [delivery.sent_at for delivery in shared]
        own_times = [delivery.sent_at for delivery in shared if delivery.client_ip == client_ip]
        return (
            count_within(all_times, now, 15 * MINUTE) < 5
            and count_within(all_times, now, DAY) < 10
            and count_within(own_times, now, 15 * MINUTE) < 3
            and count_within(own_times, now, DAY) < 5
        )

    def has_trusted_ip_quota(self, client_ip: str, now: float) -> bool:
        """Return whether the IP is trusted and has used less than three of its own an hour."""
        used = [
            delivery.sent_at
            for delivery in self.deliveries
            if delivery.uses_trusted_ip_quota and delivery.client_ip == client_ip
        ]
        return self.is_trusted(client_ip, now) and count_within(used, now, HOUR) < 3

    def allows_delivery(self, client_ip: str, now: float) -> bool:
        """Return whether a request from this IP causes a delivery now."""
        has_capacity = self.has_shared_capacity(client_ip, now) or self.has_trusted_ip_quota(
            client_ip, now
        )
        return has_capacity and self.is_cooled_down(client_ip, now)

    def delivery_to_refer_to(self, client_ip: str, now: float) -> ModelDelivery | None:
        """Return the IP's own delivery that a request within the cooldown refers to."""
        for delivery in reversed(self.recent_deliveries(now)):
            is_own = delivery.client_ip == client_ip
            is_fresh = now - delivery.sent_at < self.cooldown(client_ip, now)
            if is_own and is_fresh and self.is_active(delivery.challenge, now):
                return delivery
        return None

    def is_active(self, challenge: ModelChallenge, now: float) -> bool:
        """Return whether the code of the challenge is correct now."""
        is_unused = challenge in self.challenges and not challenge.is_used
        return is_unused and now < challenge.expires_at

    def deliver(self, request_id: str, client_ip: str, now: float, new_code: str) -> ModelDelivery:
        """Send the same code again, or a new one if the code has less than a minute left."""
        resendable = [
            challenge
            for challenge in self.challenges
            if self.is_active(challenge, now) and challenge.expires_at - now >= MINUTE
        ]
        challenge = resendable[-1] if resendable else ModelChallenge(new_code, now + 5 * MINUTE)
        if not resendable:
            self.challenges.append(challenge)
        uses_trusted_ip_quota = not self.has_shared_capacity(client_ip, now)
        delivery = ModelDelivery(request_id, client_ip, now, challenge, uses_trusted_ip_quota)
        self.deliveries.append(delivery)
        return delivery

    def cancel_delivery(self, canceled: ModelDelivery) -> None:
        """Remove a delivery, and its challenge if nothing else delivered it."""
        self.deliveries = [delivery for delivery in self.deliveries if delivery is not canceled]
        if all(delivery.challenge is not canceled.challenge for delivery in self.deliveries):
            self.challenges.remove(canceled.challenge)

    # Attempts

    def named_delivery(self, request_id: str | None, now: float) -> ModelDelivery | None:
        """Return the delivery of this request id if it still counts."""
        named = [
            delivery
            for delivery in self.recent_deliveries(now)
            if delivery.request_id == request_id
        ]
        return named[0] if named and self.still_counts(named[0], now) else None

    def still_counts(self, delivery: ModelDelivery, now: float) -> bool:
        """Return whether it has attempts left, or rejects attempts until its code expires."""
        return delivery.attempts_used < 5 or now < delivery.challenge.expires_at

    def latest_own_delivery(self, client_ip: str, now: float) -> ModelDelivery | None:
        """Return the latest delivery that this IP requested if it still counts."""
        own = [
            delivery for delivery in self.recent_deliveries(now) if delivery.client_ip == client_ip
        ]
        return own[-1] if own and self.still_counts(own[-1], now) else None

    def ip_attempts_left(self, client_ip: str, now: float) -> int:
        """Return what is left of five attempts an hour."""
        times = [time for attempt_ip, time in self.attempts_by_ip if attempt_ip == client_ip]
        return 5 - count_within(times, now, HOUR)

    def shared_attempts_left(self, now: float) -> int:
        """Return what is left of fifteen attempts an hour and thirty a day."""
        return min(
            15 - count_within(self.shared_attempts, now, HOUR),
            30 - count_within(self.shared_attempts, now, DAY),
        )

    def attempts_left(self, client_ip: str, request_id: str | None, now: float) -> int:
        """Return how many more attempts are checked."""
        if named := self.named_delivery(request_id, now):
            return 5 - named.attempts_used
        own = self.latest_own_delivery(client_ip, now)
        left = 5 - own.attempts_used if own else self.shared_attempts_left(now)
        return max(0, min(self.ip_attempts_left(client_ip, now), left))

    def allows_attempt(self, client_ip: str, request_id: str | None, now: float) -> bool:
        """Return whether an attempt is checked now."""
        return self.attempts_left(client_ip, request_id, now) > 0

    def count_attempt(self, client_ip: str, request_id: str | None, now: float) -> None:
        """Use one attempt."""
        if named := self.named_delivery(request_id, now):
            named.attempts_used += 1
            return
        self.attempts_by_ip.append((client_ip, now))
        if own := self.latest_own_delivery(client_ip, now):
            own.attempts_used += 1
        else:
            self.shared_attempts.append(now)

    def verify(self, code: str, client_ip: str, request_id: str | None, now: float) -> bool:
        """Return whether the code is correct.

        - A correct code is used. It resets the attempts of the named delivery and of the IP.
        - No code is correct while the phone is blocked.
        """
        if self.is_blocked:
            return False
        named = self.named_delivery(request_id, now)
        for challenge in self.challenges:
            may_match = request_id is None or (named and named.challenge is challenge)
            if may_match and challenge.code == code and self.is_active(challenge, now):
                challenge.is_used = True
                if named:
                    named.attempts_used = 0
                self.attempts_by_ip = [
                    attempt for attempt in self.attempts_by_ip if attempt[0] != client_ip
                ]
                self.last_login_by_ip[client_ip] = now
                return True
        return False


def becomes_true_after(condition: Callable[[float], bool], now: float, seconds: int) -> bool:
    """Return whether a condition holds in so many seconds and, in samples, not earlier."""
    earlier = {*range(0, seconds, 1 + seconds // 8), seconds - 1} if seconds > 1 else set()
    return condition(now + seconds) and not any(condition(now + second) for second in earlier)
