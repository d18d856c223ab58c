"""A simple, slow model of one phone: lists that are counted again each time.

It is written from the rules and not from the code, so that the two can disagree. All times are
seconds.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass
class ModelChallenge:
    """A code and its life."""

    code: str
    expires_at: float
    used_at: float | None = None
    used_with_id: str | None = None


@dataclass
class ModelCounter:
    """The attempts of one client at one delivery, and the latest code that was counted."""

    limit: int
    used: int = 0
    last_code: str | None = None
    last_counted_at: float = -math.inf

    @property
    def left(self) -> int:
        """What is left of the limit."""
        return self.limit - self.used


@dataclass
class ModelDelivery:
    """One message with a code. Ids are the ids of requests that refer to it."""

    request_id: str
    client_ip: str
    sent_at: float
    challenge: ModelChallenge
    limit: int = 5
    device: str | None = None
    uses_own_quota: bool = False
    ids: dict[str, ModelCounter] = field(default_factory=dict)
    later_requests: int = 0
    device_requests: int = 0
    ips: dict[str, ModelCounter] = field(default_factory=dict)
    devices: dict[str, ModelCounter] = field(default_factory=dict)


@dataclass
class ModelCallback:
    """One call with a code, requested by a caller."""

    requested_at: float
    challenge: ModelChallenge
    counter: ModelCounter


@dataclass(frozen=True)
class ModelAttempt:
    """A code and its client."""

    code: str
    client_ip: str
    request_id: str | None = None
    device: str | None = None
    is_limited: bool = False


def count_within(times: Iterable[float], now: float, period: float) -> int:
    """Return how many of the times are less than `period` ago."""
    return sum(now - time < period for time in times)


def is_of_client(delivery: ModelDelivery, client_ip: str, device: str | None) -> bool:
    """Return whether the device requested it, or the IP without a device."""
    return delivery.device == device and (device is not None or delivery.client_ip == client_ip)


@cache
def network_of(client_ip: str) -> str:
    """Return the IPv4 /24 or the IPv6 /48."""
    network = ip_network(client_ip)
    return str(network.supernet(new_prefix=48 if network.version == 6 else 24))


def becomes_true_after(condition: Callable[[float], bool], now: float, seconds: int) -> bool:
    """Return whether a condition holds in so many seconds and, in samples, not earlier."""
    earlier = {*range(0, seconds, 1 + seconds // 8), seconds - 1} if seconds > 1 else set()
    return condition(now + seconds) and not any(condition(now + second) for second in earlier)


@dataclass
class PhoneVerificationModel:
    """Everything that ever happened to a phone. Its identity has all devices."""

    challenges: list[ModelChallenge] = field(default_factory=list)
    deliveries: list[ModelDelivery] = field(default_factory=list)
    rejected: list[ModelDelivery] = field(default_factory=list)
    callbacks: list[ModelCallback] = field(default_factory=list)
    rejected_callbacks: list[float] = field(default_factory=list)
    shared_attempts: list[float] = field(default_factory=list)
    unchallenged_attempts: list[tuple[str, float, str]] = field(default_factory=list)
    last_login_by_ip: dict[str, float] = field(default_factory=dict)
    failures: int = 0
    device_failures: dict[str, int] = field(default_factory=dict)
    has_identity: bool = False
    is_blocked: bool = False

    # Clients

    def is_trusted(self, client_ip: str, now: float) -> bool:
        """Return whether the phone logged in from this IP in the last ninety days."""
        login = self.last_login_by_ip.get(client_ip)
        return login is not None and now - login < 90 * DAY

    def recognize(self, device: str | None) -> str | None:
        """Return the device unless it failed twenty times in a row."""
        is_recognized = self.has_identity and self.device_failures.get(device or "", 0) < 20
        return device if is_recognized else None

    # Requests

    def recent_deliveries(self, now: float) -> list[ModelDelivery]:
        """Return the deliveries of the last day. Earlier ones count for nothing."""
        return [delivery for delivery in self.deliveries if now - delivery.sent_at < DAY]

    def own_deliveries(self, client_ip: str, device: str | None, now: float) -> list[ModelDelivery]:
        """Return what the device requested, or the IP without a device."""
        return [
            delivery
            for delivery in self.recent_deliveries(now)
            if is_of_client(delivery, client_ip, device)
        ]

    def cooldown_deliveries(
        self, client_ip: str, device: str | None, now: float
    ) -> list[ModelDelivery]:
        """Return the deliveries that extend the cooldown: only the own ones of the owner."""
        if self.is_trusted(client_ip, now) or device:
            return self.own_deliveries(client_ip, device, now)
        return self.recent_deliveries(now)

    def is_cooled_down(self, client_ip: str, device: str | None, now: float) -> bool:
        """Return whether 15 seconds passed since any delivery, and the client's own cooldown.

        That is 15 seconds for the first three deliveries of a day, then up to 128 times that. A
        rejected delivery starts 15 seconds. A login ends it.
        """
        last_login_at = max(self.last_login_by_ip.values(), default=-math.inf)
        counted = self.cooldown_deliveries(client_ip, device, now)
        cooldown = 15 << min(7, max(0, len(counted) - 3))
        cooldowns = [(delivery, 15) for delivery in [*self.recent_deliveries(now), *self.rejected]]
        cooldowns += [(delivery, cooldown) for delivery in counted[-1:]]
        return all(
            now - delivery.sent_at >= seconds or delivery.sent_at <= last_login_at
            for delivery, seconds in cooldowns
        )

    def has_shared_capacity(self, client_ip: str, now: float) -> bool:
        """Return whether the limits of the phone allow a delivery for this IP's network."""
        network = network_of(client_ip)

        def count(deliveries: list[ModelDelivery], period: float) -> tuple[int, int]:
            shared = [delivery for delivery in deliveries if not delivery.uses_own_quota]
            own = [each.sent_at for each in shared if network_of(each.client_ip) == network]
            all_times = [delivery.sent_at for delivery in shared]
            return count_within(all_times, now, period), count_within(own, now, period)

        of_phone, of_network = count([*self.deliveries, *self.rejected], 15 * MINUTE)
        of_phone_a_day, of_network_a_day = count(self.deliveries, DAY)
        return of_phone < 6 and of_phone_a_day < 12 and of_network < 5 and of_network_a_day < 6

    def has_own_quota(self, client_ip: str, device: str | None, now: float) -> bool:
        """Return whether the client is the owner and has used less than three of its own."""
        used = [
            delivery.sent_at
            for delivery in [*self.deliveries, *self.rejected]
            if delivery.uses_own_quota and is_of_client(delivery, client_ip, device)
        ]
        is_owner = self.is_trusted(client_ip, now) or device is not None
        return is_owner and count_within(used, now, HOUR) < 3

    def allows_delivery(self, client_ip: str, now: float, device: str | None = None) -> bool:
        """Return whether a request causes a delivery now."""
        device = self.recognize(device)
        has_capacity = self.has_shared_capacity(client_ip, now) or self.has_own_quota(
            client_ip, device, now
        )
        return has_capacity and self.is_cooled_down(client_ip, device, now)

    def refer(
        self, request_id: str, client_ip: str, now: float, device: str | None = None
    ) -> ModelDelivery | None:
        """Give a request within the cooldown an id for the latest delivery of an active code."""
        device = self.recognize(device)
        recent = self.recent_deliveries(now)
        active = [delivery for delivery in recent if self.is_active(delivery.challenge, now)]
        if self.is_cooled_down(client_ip, device, now) or not active:
            return None
        delivery = active[-1]
        if device and delivery.device_requests < 3:
            delivery.device_requests += 1
        elif device is None and delivery.later_requests < 3:
            delivery.later_requests += 1
        else:
            return None
        delivery.ids[request_id] = ModelCounter({5: 2, 2: 1, 1: 1}[delivery.limit])
        return delivery

    def is_active(self, challenge: ModelChallenge, now: float) -> bool:
        """Return whether the code of the challenge is correct now."""
        is_unused = challenge in self.challenges and challenge.used_at is None
        return is_unused and now < challenge.expires_at

    def allows_callback(self, now: float) -> bool:
        """Return whether the phone may be called back: twice an hour, three times a day."""
        times = [callback.requested_at for callback in self.callbacks]
        of_an_hour = [*times, *self.rejected_callbacks]
        return count_within(of_an_hour, now, HOUR) < 2 and count_within(times, now, DAY) < 3

    def call_back(self, now: float, new_code: str, *, is_limited: bool) -> ModelCallback:
        """Read the code of the previous callback again, or a new one in its last minute."""
        challenge = self.callbacks[-1].challenge if self.callbacks else None
        if (
            challenge is None
            or challenge.used_at is not None
            or challenge.expires_at - now < MINUTE
        ):
            challenge = ModelChallenge(new_code, now + 5 * MINUTE)
        limit = 1 if self.failures >= 50 else 2 if is_limited else 5
        self.callbacks.append(ModelCallback(now, challenge, ModelCounter(limit)))
        return self.callbacks[-1]

    def deliver(
        self,
        request_id: str,
        client_ip: str,
        now: float,
        new_code: str,
        *,
        device: str | None = None,
        is_limited: bool = False,
    ) -> ModelDelivery:
        """Send the same code again, or a new one if the code has less than a minute left."""
        resendable = [
            challenge
            for challenge in self.challenges
            if self.is_active(challenge, now) and challenge.expires_at - now >= MINUTE
        ]
        challenge = resendable[-1] if resendable else ModelChallenge(new_code, now + 5 * MINUTE)
        if not resendable:
            self.challenges.append(challenge)
        limit = 1 if self.failures >= 50 else 2 if is_limited else 5
        delivery = ModelDelivery(request_id, client_ip, now, challenge, limit)
        delivery.device = self.recognize(device)
        delivery.uses_own_quota = not self.has_shared_capacity(client_ip, now)
        delivery.ids[request_id] = ModelCounter(limit)
        self.deliveries.append(delivery)
        return delivery

    def reject_delivery(self, rejected: ModelDelivery) -> None:
        """Reject a delivery, and remove its challenge if nothing else delivered it."""
        self.deliveries = [delivery for delivery in self.deliveries if delivery is not rejected]
        self.rejected.append(rejected)
        if all(delivery.challenge is not rejected.challenge for delivery in self.deliveries):
            self.challenges.remove(rejected.challenge)

    def reject_callback(self) -> None:
        """Reject the latest callback."""
        self.rejected_callbacks.append(self.callbacks.pop().requested_at)

    # Attempts

    def current_deliveries(self, now: float) -> list[ModelDelivery]:
        """Return the deliveries whose code has not expired. Attempts count for no other."""
        return [delivery for delivery in self.deliveries if now < delivery.challenge.expires_at]

    def is_challenged(self, now: float) -> bool:
        """Return whether a code can be correct now."""
        return any(self.is_active(challenge, now) for challenge in self.challenges)

    def named_delivery(self, request_id: str | None, now: float) -> ModelDelivery | None:
        """Return the current delivery that a request id refers to."""
        current = self.current_deliveries(now)
        return next((delivery for delivery in current if request_id in delivery.ids), None)

    def counters_for(self, attempt: ModelAttempt, now: float) -> list[ModelCounter]:
        """Return the counters of the id and of the device, or else that of the IP."""
        current = self.current_deliveries(now)
        named = self.named_delivery(attempt.request_id, now)
        counters = []
        if named and attempt.request_id:
            counters.append(named.ids[attempt.request_id])
        if device := self.recognize(attempt.device):
            delivery = named or current[-1]
            counters.append(delivery.devices.setdefault(device, ModelCounter(5)))
        if counters:
            return counters
        own = [delivery for delivery in current if delivery.client_ip == attempt.client_ip]
        delivery, limit = (own[-1], own[-1].limit) if own else (current[-1], 5)
        return [delivery.ips.setdefault(attempt.client_ip, ModelCounter(limit))]

    def uses_shared_limit(self, attempt: ModelAttempt, now: float) -> bool:
        """Return whether neither id nor device is known, and the IP requested nothing."""
        client_ips = [delivery.client_ip for delivery in self.current_deliveries(now)]
        return not (
            attempt.client_ip in client_ips
            or self.named_delivery(attempt.request_id, now)
            or self.recognize(attempt.device)
        )

    def shared_attempts_left(self, now: float) -> int:
        """Return what is left of fifteen attempts an hour and thirty a day."""
        return min(
            15 - count_within(self.shared_attempts, now, HOUR),
            30 - count_within(self.shared_attempts, now, DAY),
        )

    def may_use_shared_limit(self, attempt: ModelAttempt, now: float) -> bool:
        """Return whether an unknown IP may try at all."""
        client_ips = [delivery.client_ip for delivery in self.current_deliveries(now)]
        sites = [network_of(client_ip) for client_ip in client_ips if ":" in client_ip]
        is_known = self.is_trusted(attempt.client_ip, now) or network_of(attempt.client_ip) in sites
        return self.failures < 50 and (is_known or not attempt.is_limited)

    def attempts_left(self, attempt: ModelAttempt, now: float) -> int:
        """Return how many more attempts are looked at."""
        if not self.is_challenged(now):
            return self.unchallenged_attempts_left(attempt.client_ip, now)
        counters = self.counters_for(attempt, now)
        if not self.uses_shared_limit(attempt, now):
            return max(0, *(counter.left for counter in counters))
        if not self.may_use_shared_limit(attempt, now):
            return 0
        is_first = counters[0].used == 0
        left = max(int(is_first), min(counters[0].left, self.shared_attempts_left(now)))
        if attempt.is_limited and not self.is_trusted(attempt.client_ip, now):
            latest = self.current_deliveries(now)[-1]
            used = [counter.used for ip, counter in latest.ips.items() if ip != latest.client_ip]
            left = min(left, max(0, 2 - sum(used)))
        return left

    def unchallenged_attempts_left(self, client_ip: str, now: float) -> int:
        """Return what is left of five attempts an hour for each IP."""
        times = [time for ip, time, _ in self.unchallenged_attempts if ip == client_ip]
        return 5 - count_within(times, now, HOUR)

    def verify(self, attempt: ModelAttempt, now: float) -> int | None:
        """Count an attempt that is looked at.

        Returns:
            None for a correct code, otherwise how many attempts are left.
        """
        left = self.attempts_left(attempt, now)
        if self._use_code(attempt, now):
            return None
        last_used = self._last_used(now)
        if last_used is not None and last_used.code == attempt.code:
            return left - 1
        if not self.is_challenged(now):
            return self._count_unchallenged(attempt, now)
        counters = self.counters_for(attempt, now)
        for counter in counters:
            if counter.last_code == attempt.code and now - counter.last_counted_at < 10:
                return left
        uses_shared_limit = self.uses_shared_limit(attempt, now)
        for counter in counters:
            counter.used += 1
            counter.last_code, counter.last_counted_at = attempt.code, now
        if uses_shared_limit and self.shared_attempts_left(now) > 0:
            self.shared_attempts.append(now)
        self._count_failure(attempt)
        return self.attempts_left(attempt, now)

    def open_callback(self, attempt: ModelAttempt, now: float) -> ModelCallback | None:
        """Return the latest callback while it has attempts, for attempts without an id."""
        for callback in self.callbacks[-1:]:
            is_active = callback.challenge.used_at is None and now < callback.challenge.expires_at
            if attempt.request_id is None and is_active and callback.counter.left > 0:
                return callback
        return None

    def matches_callback(self, attempt: ModelAttempt, now: float) -> bool:
        """Return whether the attempt logs in with the code of a callback."""
        callback = self.open_callback(attempt, now)
        is_equal = callback is not None and callback.challenge.code == attempt.code
        return is_equal and not self.is_blocked

    def use_callback(self, attempt: ModelAttempt, now: float) -> None:
        """Use the code of the latest callback. It resets the attempts of the device and the IP."""
        self.callbacks[-1].challenge.used_at = now
        self._reset(attempt, None)
        self.last_login_by_ip[attempt.client_ip] = now
        self.has_identity = True

    def count_on_callback(
        self, attempt: ModelAttempt, now: float, *, is_failure_counted: bool = False
    ) -> bool:
        """Count a wrong code on the latest callback, and return whether it counts."""
        callback, last_used = self.open_callback(attempt, now), self._last_used(now)
        if callback is None or (last_used and last_used.code == attempt.code):
            return False
        counter = callback.counter
        if counter.last_code == attempt.code and now - counter.last_counted_at < 10:
            return False
        counter.used += 1
        counter.last_code, counter.last_counted_at = attempt.code, now
        if not is_failure_counted:
            self._count_failure(attempt)
        return True

    def _count_failure(self, attempt: ModelAttempt) -> None:
        device = self.recognize(attempt.device)
        self.failures += 1
        if device is not None:
            self.device_failures[device] = self.device_failures.get(device, 0) + 1

    def _count_unchallenged(self, attempt: ModelAttempt, now: float) -> int:
        of_ip = [entry for entry in self.unchallenged_attempts if entry[0] == attempt.client_ip]
        is_repeat = any(code == attempt.code and now - time < 10 for _, time, code in of_ip[-1:])
        if not is_repeat:
            self.unchallenged_attempts.append((attempt.client_ip, now, attempt.code))
        return self.unchallenged_attempts_left(attempt.client_ip, now)

    def is_retry(self, attempt: ModelAttempt, now: float) -> bool:
        """Return whether the client that used a code sends it again: it may lack the session.

        It is known by the id that it used the code with, by the IP of a login or by its device.
        """
        challenge = self._last_used(now)
        if self.is_blocked or challenge is None or challenge.code != attempt.code:
            return False
        named = self.named_delivery(attempt.request_id, now)
        if attempt.request_id and (named is None or named.challenge is not challenge):
            return False
        return (
            self.is_trusted(attempt.client_ip, now)
            or self.recognize(attempt.device) is not None
            or (attempt.request_id is not None and attempt.request_id == challenge.used_with_id)
        )

    def _last_used(self, now: float) -> ModelChallenge | None:
        """Return the challenge whose code was used last, until the code expires."""
        challenges = self.challenges + [callback.challenge for callback in self.callbacks]
        used = [
            challenge
            for challenge in reversed(challenges)
            if challenge.used_at is not None and now < challenge.expires_at
        ]
        return max(used, key=lambda challenge: challenge.used_at or 0, default=None)

    def _use_code(self, attempt: ModelAttempt, now: float) -> bool:
        """Use a correct code. It resets the attempts of this delivery, device and IP."""
        if self.is_blocked:
            return False
        named = self.named_delivery(attempt.request_id, now)
        for challenge in reversed(self.challenges):
            may_match = attempt.request_id is None or (named and named.challenge is challenge)
            if may_match and challenge.code == attempt.code and self.is_active(challenge, now):
                delivered = [d for d in self.deliveries if d.challenge is challenge]
                self._reset(attempt, named or delivered[-1])
                challenge.used_at, challenge.used_with_id = now, attempt.request_id
                self.last_login_by_ip[attempt.client_ip] = now
                self.has_identity = True
                return True
        return False

    def _reset(self, attempt: ModelAttempt, verified: ModelDelivery | None) -> None:
        device = self.recognize(attempt.device)
        self.failures = 0
        self.device_failures.pop(device or "", None)
        for counter in verified.ids.values() if verified else ():
            counter.used, counter.last_code = 0, None
        for delivery in self.deliveries:
            delivery.ips.pop(attempt.client_ip, None)
            delivery.devices.pop(device or "", None)
