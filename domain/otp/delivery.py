"""A message that was sent, the tries that it brought, and how often one may be sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.sliding_window import SlidingWindow

ATTEMPTS_PER_DELIVERY: Final = 5
DELIVERIES_BEFORE_BACKOFF: Final = 3
MAX_DOUBLINGS: Final = 7
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message with the code of a challenge.

    Written before the message leaves and taken back when no sender would have it, so what
    stands here was accepted, or nobody knows. `request_id` is what the caller may check with;
    `address` is where the ask came from; `reserved` says that it was paid from that address's
    own reserve.
    """

    request_id: str
    challenge_id: str
    client_ip: str
    sent_at: datetime
    uses_trusted_ip_quota: bool = False
    attempts_used: int = 0

    @property
    def attempts_left(self) -> int:
        """How many answers this send's own allowance still takes."""
        return ATTEMPTS_PER_DELIVERY - self.attempts_used

    def count_attempt(self) -> "Delivery":
        """The same with one try fewer."""
        return replace(self, attempts_used=self.attempts_used + 1)

    def reset_attempts(self) -> "Delivery":
        """The same after a right answer: no try counts."""
        return replace(self, attempts_used=0)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How often a code may be sent to one phone.

    OWASP ASVS 5.0 6.6.3 asks for such limits. The cool-down runs from the receipt of the ask:
    it is `cool_down` for the first three sends of a day, then doubles with each, up to 128
    times. An address with a reserve of its own is spared the doubling that others caused.
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

    def earliest_request(self, requester: "Requester", now: datetime) -> datetime:
        """When the asker may have the next message sent: `now`, or later."""
        if self._allows(requester, now):
            return now
        turns = sorted({turn for turn in self._candidate_times(requester.deliveries) if turn > now})
        return next(turn for turn in turns if self._allows(requester, turn))

    def cooldown_for(self, requester: "Requester", now: datetime) -> timedelta:
        """How long the asker's cool-down is by now."""
        return self._cooldown_after(len(requester.cooldown_deliveries(now)))

    def uses_trusted_ip_quota(self, requester: "Requester", now: datetime) -> bool:
        """Whether a send allowed now has to be paid from the asker's own reserve."""
        return not self._has_shared_capacity(requester, now)

    def _allows(self, requester: "Requester", at: datetime) -> bool:
        return self._is_cooled_down(requester, at) and (
            self._has_shared_capacity(requester, at) or self._has_trusted_ip_quota(requester, at)
        )

    def _is_cooled_down(self, requester: "Requester", at: datetime) -> bool:
        waited_on = requester.cooldown_deliveries(at)
        rest = self._cooldown_after(len(waited_on))
        return all(
            at >= send.sent_at + self.cooldown for send in requester.recent_deliveries(at)[-1:]
        ) and all(at >= send.sent_at + rest for send in waited_on[-1:])

    def _cooldown_after(self, deliveries: int) -> timedelta:
        doublings = min(max(deliveries - DELIVERIES_BEFORE_BACKOFF, 0), MAX_DOUBLINGS)
        return self.cooldown * (1 << doublings)

    def _has_shared_capacity(self, requester: "Requester", at: datetime) -> bool:
        shared = [send for send in requester.deliveries if not send.uses_trusted_ip_quota]
        everyones = [send.sent_at for send in shared]
        own = [send.sent_at for send in shared if send.client_ip == requester.client_ip]
        return all(window.remaining(everyones, at) for window in self.per_phone) and all(
            window.remaining(own, at) for window in self.per_phone_and_ip
        )

    def _has_trusted_ip_quota(self, requester: "Requester", at: datetime) -> bool:
        paid = [send.sent_at for send in requester.own_deliveries(at) if send.uses_trusted_ip_quota]
        return requester.is_trusted(at) and self.trusted_ip_quota.remaining(paid, at) > 0

    def _candidate_times(self, deliveries: Sequence[Delivery]) -> Iterator[datetime]:
        """Give every moment at which a refusal may turn into leave."""
        windows = (*self.per_phone, *self.per_phone_and_ip, self.trusted_ip_quota)
        spans = {window.period for window in windows}
        spans.update(self._cooldown_after(count) for count in range(len(deliveries) + 1))
        return (send.sent_at + span for send in deliveries for span in spans)


@dataclass(frozen=True, slots=True)
class Requester:
    """An address that wants a message sent to a phone, and the sends to that phone, in order.

    `known_until` is when the address's last sign-in with this phone stops counting.
    """

    client_ip: str
    deliveries: Sequence[Delivery]
    trusted_until: datetime | None

    def is_trusted(self, at: datetime) -> bool:
        """Whether the phone has signed in from here lately enough for a reserve."""
        return self.trusted_until is not None and at < self.trusted_until

    def recent_deliveries(self, at: datetime) -> list[Delivery]:
        """The sends of the last day."""
        since = at - ONE_DAY
        return [send for send in self.deliveries if send.sent_at > since]

    def own_deliveries(self, at: datetime) -> list[Delivery]:
        """Those of them that this address caused."""
        return [send for send in self.recent_deliveries(at) if send.client_ip == self.client_ip]

    def cooldown_deliveries(self, at: datetime) -> list[Delivery]:
        """Those of them that make this asker's cool-down longer."""
        return self.own_deliveries(at) if self.is_trusted(at) else self.recent_deliveries(at)
