"""The policy that decides when a code is delivered to one phone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.challenge import Challenge
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import ONE_DAY, Delivery
from domain.otp.sliding_window import SlidingWindow

DELIVERIES_BEFORE_BACKOFF: Final = 3
MAX_DOUBLINGS: Final = 7


@dataclass(frozen=True, slots=True)
class DeliveryDecision:
    """The delivery that a request caused or refers to, and when the client may request again.

    `is_new` is False when the request refers to an earlier delivery: nothing is sent.
    `is_suppressed` says that the phone is blocked: nothing is sent, and the client gets the
    response that any client gets.
    """

    delivery: Delivery
    challenge: Challenge
    next_request_at: datetime
    is_new: bool
    is_suppressed: bool = False

    @property
    def should_deliver(self) -> bool:
        """Whether a message is sent."""
        return self.is_new and not self.is_suppressed


@dataclass(frozen=True, slots=True)
class Requester:
    """A client that requests a code, with all deliveries to the phone in their order.

    `trusted_until` is when the last login of this phone from this IP no longer counts.
    """

    client_ip: HashedClientIp
    deliveries: Sequence[Delivery]
    trusted_until: datetime | None

    def is_trusted(self, time: datetime) -> bool:
        """Return whether the phone logged in from this IP recently enough for an own quota."""
        return self.trusted_until is not None and time < self.trusted_until

    def recent_deliveries(self, time: datetime) -> list[Delivery]:
        """Return the deliveries of the last day."""
        since = time - ONE_DAY
        return [delivery for delivery in self.deliveries if delivery.sent_at > since]

    def own_deliveries(self, time: datetime) -> list[Delivery]:
        """Return the deliveries of the last day that this IP requested."""
        return [
            delivery
            for delivery in self.recent_deliveries(time)
            if delivery.client_ip == self.client_ip
        ]

    def cooldown_deliveries(self, time: datetime) -> list[Delivery]:
        """Return the deliveries of the last day that extend this client's cooldown."""
        if self.is_trusted(time):
            return self.own_deliveries(time)
        return self.recent_deliveries(time)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How often a code may be delivered to one phone (OWASP ASVS 5.0 6.6.3).

    - The cooldown starts when the request arrives. It is `cooldown` for the first three
      deliveries of a day and then doubles with each, up to 128 times.
    - A trusted IP has a quota of its own. Deliveries that others requested do not double its
      cooldown.
    """

    per_phone: tuple[SlidingWindow, ...] = (
        SlidingWindow(5, timedelta(minutes=15)),
        SlidingWindow(10, timedelta(days=1)),
    )
    per_phone_and_ip: tuple[SlidingWindow, ...] = (
        SlidingWindow(3, timedelta(minutes=15)),
        SlidingWindow(5, timedelta(days=1)),
    )
    trusted_ip_quota: SlidingWindow = SlidingWindow(3, timedelta(hours=1))
    cooldown: timedelta = timedelta(seconds=15)

    def earliest_request(self, requester: Requester, now: datetime) -> datetime:
        """Return when the client may cause the next delivery: `now`, or later."""
        if self._allows(requester, now):
            return now
        later = sorted({time for time in self._candidate_times(requester.deliveries) if time > now})
        return next(time for time in later if self._allows(requester, time))

    def cooldown_for(self, requester: Requester, now: datetime) -> timedelta:
        """Return how long the client's cooldown is now."""
        return self._cooldown_after(len(requester.cooldown_deliveries(now)))

    def uses_trusted_ip_quota(self, requester: Requester, now: datetime) -> bool:
        """Return whether a delivery that is allowed now counts against the trusted IP's quota."""
        return not self._has_shared_capacity(requester, now)

    def _allows(self, requester: Requester, time: datetime) -> bool:
        return self._is_cooled_down(requester, time) and (
            self._has_shared_capacity(requester, time)
            or self._has_trusted_ip_quota(requester, time)
        )

    def _is_cooled_down(self, requester: Requester, time: datetime) -> bool:
        counted = requester.cooldown_deliveries(time)
        cooldown = self._cooldown_after(len(counted))
        return all(
            time >= delivery.sent_at + self.cooldown
            for delivery in requester.recent_deliveries(time)[-1:]
        ) and all(time >= delivery.sent_at + cooldown for delivery in counted[-1:])

    def _cooldown_after(self, deliveries: int) -> timedelta:
        doublings = min(max(deliveries - DELIVERIES_BEFORE_BACKOFF, 0), MAX_DOUBLINGS)
        return self.cooldown * (1 << doublings)

    def _has_shared_capacity(self, requester: Requester, time: datetime) -> bool:
        shared = [
            delivery for delivery in requester.deliveries if not delivery.uses_trusted_ip_quota
        ]
        all_times = [delivery.sent_at for delivery in shared]
        own_times = [
            delivery.sent_at for delivery in shared if delivery.client_ip == requester.client_ip
        ]
        return all(window.remaining(all_times, time) for window in self.per_phone) and all(
            window.remaining(own_times, time) for window in self.per_phone_and_ip
        )

    def _has_trusted_ip_quota(self, requester: Requester, time: datetime) -> bool:
        used = [
            delivery.sent_at
            for delivery in requester.own_deliveries(time)
            if delivery.uses_trusted_ip_quota
        ]
        return requester.is_trusted(time) and self.trusted_ip_quota.remaining(used, time) > 0

    def _candidate_times(self, deliveries: Sequence[Delivery]) -> Iterator[datetime]:
        """Return every time at which a request may become allowed."""
        windows = (*self.per_phone, *self.per_phone_and_ip, self.trusted_ip_quota)
        periods = {window.period for window in windows}
        periods.update(self._cooldown_after(count) for count in range(len(deliveries) + 1))
        return (delivery.sent_at + period for delivery in deliveries for period in periods)
