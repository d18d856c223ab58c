"""The limits of attempts: which of them are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.otp.attempt_counters import (
    ATTEMPTS_OF_LIMITED_DELIVERY,
    AttemptCounter,
    CounterKind,
)
from domain.otp.attempts import SHARED_ATTEMPTS, OtpAttempt
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """The limits of one attempt: it is looked at only while it has attempts left.

    - With a request id it counts on that id, from a recognized device on the device, with both
      on both. Nobody else uses these attempts.
    - Without them it counts on the IP: at the latest delivery that the IP requested, or else
      also on the limit that all unknown IPs share. The first attempt of an IP after a delivery
      does not need that limit, so strangers who use it up lock out no owner.
    - An unknown request id counts as none.
    - It counts only while a challenge is active, and on deliveries whose code has not expired.

    Attributes:
        attempt: the attempt.
        state: what is known about the phone. After the maximum of failures in a row unknown IPs
            have no attempts.
        device_id: the recognized device that made the attempt, if any.
        trusted_until: when the last login of the phone from this IP no longer counts.
    """

    attempt: OtpAttempt
    state: PhoneVerification
    device_id: str | None = None
    trusted_until: datetime | None = None

    @property
    def are_own(self) -> bool:
        """Whether the client has attempts that nobody else can use up.

        It holds the id of a request whose code has not expired, or it is a recognized device.
        """
        return self.device_id is not None or self.named_delivery(self.attempt.now) is not None

    def named_delivery(self, time: datetime) -> Delivery | None:
        """Return the delivery that the request id refers to, or None."""
        if self.attempt.request_id is None:
            return None
        for delivery in self._current_deliveries(time):
            if delivery.counter_of_request(self.attempt.request_id):
                return delivery
        return None

    def delivery(self, time: datetime) -> Delivery | None:
        """Return the delivery that the attempt counts on, None while no challenge is active."""
        if not self.state.active_challenges(time):
            return None
        if named := self.named_delivery(time):
            return named
        current = self._current_deliveries(time)
        if self.device_id is None:
            ip = self.attempt.client_ip.ip
            for delivery in reversed(current):
                if delivery.client_ip.ip == ip:
                    return delivery
        return current[-1] if current else None

    def counters(self, delivery: Delivery) -> Sequence[AttemptCounter]:
        """Return the counters of the attempt at the delivery that it counts on."""
        counters = []
        if of_request := delivery.counter_of_request(self.attempt.request_id):
            counters.append(of_request)
        if self.device_id is not None:
            counters.append(delivery.counter_of_device(self.device_id))
        return counters or [delivery.counter_of_ip(self.attempt.client_ip)]

    def attempts_left(self, delivery: Delivery, time: datetime) -> int:
        """Return how many attempts the client has left at the delivery."""
        counters = self.counters(delivery)
        return max([self._left_of(counter, delivery, time) for counter in counters])

    def count(self, delivery: Delivery, digest: str) -> tuple[PhoneVerification, Delivery]:
        """Return state and delivery after the attempt with this digest failed at the delivery."""
        counters, now = self.counters(delivery), self.attempt.now
        for counter in counters:
            delivery = delivery.set_counter(counter.count(digest, now))
        # The counter of an unknown IP is the only one.
        is_of_unknown_ip = counters[0].kind is CounterKind.UNKNOWN_IP
        is_shared = is_of_unknown_ip and self.shared_attempts_left(now) > 0
        counted = self.state.replace_delivery(delivery)
        return counted.count_failure(self.device_id, now, is_shared=is_shared), delivery

    def shared_attempts_left(self, time: datetime) -> int:
        """Return how many attempts all unknown IPs together have left."""
        return min(window.remaining(self.state.shared_attempts, time) for window in SHARED_ATTEMPTS)

    def next_attempt_at(self) -> datetime:
        """Return when the attempt is looked at, if nobody does anything and it is not now."""
        now = self.attempt.now
        times = [challenge.expires_at for challenge in self.state.challenges]
        times += [
            time + window.period
            for window in SHARED_ATTEMPTS
            for time in self.state.shared_attempts
        ]
        times += [self.attempt.unchallenged_at or now]
        return next(time for time in sorted(times) if time > now and self._allows(time))

    def _allows(self, time: datetime) -> bool:
        if delivery := self.delivery(time):
            return self.attempts_left(delivery, time) > 0
        return self.attempt.unchallenged_at is None or time >= self.attempt.unchallenged_at

    def _left_of(self, counter: AttemptCounter, delivery: Delivery, time: datetime) -> int:
        if counter.kind is not CounterKind.UNKNOWN_IP:
            return max(0, counter.left)
        if self.state.failures.has_reached_maximum:
            return 0
        left = min(counter.left, self.shared_attempts_left(time))
        left = max(left, 0 if counter.used else 1)
        is_trusted = self.trusted_until is not None and time < self.trusted_until
        if not self.attempt.is_limited or is_trusted:
            return left
        if not self._is_neighbor(time):
            return 0
        # Each /64 of a /48 has a first attempt, and strangers may have all of them.
        return max(0, min(left, ATTEMPTS_OF_LIMITED_DELIVERY - delivery.attempts_of_unknown_ips))

    def _is_neighbor(self, time: datetime) -> bool:
        """Return whether the IPv6 /48 of the IP requested a current delivery."""
        client_ip = self.attempt.client_ip
        return any(
            client_ip.is_ipv6 and delivery.client_ip.network == client_ip.network
            for delivery in self._current_deliveries(time)
        )

    def _current_deliveries(self, time: datetime) -> Sequence[Delivery]:
        """Return the deliveries whose code has not expired, used or not."""
        state = self.state
        current = [challenge.id for challenge in state.challenges if time < challenge.expires_at]
        return [delivery for delivery in state.deliveries if delivery.challenge_id in current]


def find_limits(state: PhoneVerification, attempt: OtpAttempt) -> AttemptLimits:
    """Return the limits of an attempt at the messages of a phone."""
    device_id = state.recognize_device(attempt.device)
    return AttemptLimits(attempt, state, device_id, state.trusted_until(attempt.client_ip))
