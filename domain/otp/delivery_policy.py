"""When a delivery is allowed, by which channels, and why a request was rejected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.otp.challenge import Challenge
from domain.otp.delivery import ONE_DAY, REJECTED_TTL, Channel, Delivery, HashedClientIp
from domain.otp.permits import Recognition
from domain.otp.sliding_window import SlidingWindow

Channels = tuple[Channel, ...]

ONLY_SMS: Final[Channels] = (Channel.SMS,)


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """Which channels a country has, and in which order messages try them.

    A call is never tried after a message: calls have limits of their own. It is only asked for.
    """

    others: Channels = (Channel.SMS, Channel.VOICE)
    by_country: tuple[tuple[str, Channels], ...] = ()

    def of(self, country: str) -> Channels:
        return next((of for name, of in self.by_country if name == country), self.others)

    @property
    def all(self) -> frozenset[Channel]:
        return frozenset().union(self.others, *(of for _, of in self.by_country))

    def plan(self, country: str, requested: Channel | None) -> Channels:
        """Return the channels that a code tries, the requested one first."""
        if requested is Channel.VOICE:
            return (Channel.VOICE,)
        messages = [channel for channel in self.of(country) if channel is not Channel.VOICE]
        if requested is None:
            return tuple(messages) or ONLY_SMS
        return (requested, *(channel for channel in messages if channel is not requested))


_INSTANT: Final = timedelta(milliseconds=1)
DELIVERIES_BEFORE_BACKOFF: Final = 3
MAX_DOUBLINGS: Final = 7


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
    PROOF_REQUIRED = "new customers need a proof"
    FAILED_ATTEMPTS = "failed attempts in a row"


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when no message is sent, and why. `limitation` is None where one is sent now."""

    until: datetime
    limitation: Limitation | None = None


@dataclass(frozen=True, slots=True)
class DeliveryDecision:
    """The delivery that a request caused or refers to, and when the client may request again."""

    delivery: Delivery
    challenge: Challenge
    request_id: str
    next_request_at: datetime
    is_new: bool
    identity_id: str | None = None
    last_provider: str = ""

    @property
    def public_request_id(self) -> str:
        return self.request_id + self.delivery.report_id


@dataclass(frozen=True, slots=True)
class Requester:
    """A client that requests a code, with all deliveries to the phone in their order.

    - `device_id` is set if the client is recognized as a device; otherwise it is as an IP.
    - `last_login_at` is the last login of the phone from any IP. It ends the cooldown.
    """

    client_ip: HashedClientIp
    deliveries: Sequence[Delivery]
    is_recognized: bool = False
    device_id: str | None = None
    last_login_at: datetime | None = None

    def recent_deliveries(self, time: datetime) -> list[Delivery]:
        since = time - ONE_DAY
        return [delivery for delivery in self.deliveries if delivery.sent_at > since]

    def own_deliveries(self, time: datetime) -> list[Delivery]:
        return [delivery for delivery in self.recent_deliveries(time) if self._is_own(delivery)]

    def starts_cooldown(self, delivery: Delivery) -> bool:
        """Return whether no login followed the delivery."""
        return self.last_login_at is None or delivery.sent_at > self.last_login_at

    def _is_own(self, delivery: Delivery) -> bool:
        if self.device_id is not None:
            return delivery.device_id == self.device_id
        return delivery.client_ip.ip == self.client_ip.ip and delivery.device_id is None


PER_PHONE: Final = (
    SlidingWindow(6, timedelta(minutes=15)),
    SlidingWindow(12, timedelta(days=1)),
)
"""Each message brings attempts: with more of them a code is easy to guess."""
PER_PHONE_AND_NETWORK: Final = (
    SlidingWindow(5, timedelta(minutes=15)),
    SlidingWindow(6, timedelta(days=1)),
)
"""Below the phone's 6/15m and 12/1d, so that other networks always have some left."""
OWN_QUOTA: Final = SlidingWindow(3, timedelta(hours=1))
"""Number of messages with the shortest cooldown, for a customer whose phone is under attack."""


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How often a code may be delivered to one phone (OWASP ASVS 5.0 6.6.3).

    - The cooldown starts when the request arrives, and a login ends it. It is `cooldown` for the
      first three deliveries of a day and then doubles with each, up to 128 times.
    - One network gets a part of the phone's deliveries only: an IPv6 /48 or an IPv4 /24.
    - A recognized device and a known IP have a quota of their own. Deliveries that others
      requested do not double their cooldown.
    - A delivery that every provider rejected starts a cooldown, doubles none, and counts in windows
      that are shorter than a day.
    """

    per_phone: tuple[SlidingWindow, ...] = PER_PHONE
    per_phone_and_ip: tuple[SlidingWindow, ...] = PER_PHONE_AND_NETWORK
    own_quota: SlidingWindow = OWN_QUOTA
    cooldown: timedelta = timedelta(seconds=15)

    def earliest_request(self, requester: Requester, now: datetime) -> datetime:
        """Return when the client may cause the next delivery: `now`, or later."""
        if not requester.deliveries or self._allows(requester, now):
            return now
        times = self._candidate_times(requester.deliveries)
        later = sorted(time for time in times if time > now)
        return next(time for time in later if self._allows(requester, time))

    def explain(self, requester: Requester, now: datetime) -> Wait:
        """Return when the client may cause the next delivery, and the reason that ends last."""
        until = self.earliest_request(requester, now)
        if until <= now:
            return Wait(now)
        before = until - _INSTANT
        if not self.is_cooled_down(requester, before):
            return Wait(until, Limitation.COOLDOWN)
        if not self._has_capacity_of_phone(requester, before):
            return Wait(until, Limitation.PER_PHONE)
        return Wait(until, Limitation.PER_PHONE_AND_NETWORK)

    def uses_own_quota(self, requester: Requester, now: datetime) -> bool:
        return bool(requester.deliveries) and not self._has_shared_capacity(requester, now)

    def is_cooled_down(self, requester: Requester, time: datetime) -> bool:
        recent = own = requester.recent_deliveries(time)
        if requester.is_recognized:
            # Deliveries that others requested do not double the cooldown of this client.
            own = requester.own_deliveries(time)
        own = [delivery for delivery in own if not delivery.is_rejected]
        cooldowns = [(delivery, self.cooldown) for delivery in recent[-1:]]
        cooldowns += [(delivery, self._cooldown_after(len(own))) for delivery in own[-1:]]
        return all(
            time >= delivery.sent_at + cooldown or not requester.starts_cooldown(delivery)
            for delivery, cooldown in cooldowns
        )

    def _allows(self, requester: Requester, time: datetime) -> bool:
        return self.is_cooled_down(requester, time) and (
            self._has_shared_capacity(requester, time) or self._has_own_quota(requester, time)
        )

    def _cooldown_after(self, deliveries: int) -> timedelta:
        if deliveries <= DELIVERIES_BEFORE_BACKOFF:
            return self.cooldown
        doublings = min(deliveries - DELIVERIES_BEFORE_BACKOFF, MAX_DOUBLINGS)
        return self.cooldown * (1 << doublings)

    def _has_capacity_of_phone(self, requester: Requester, time: datetime) -> bool:
        shared = [delivery for delivery in requester.deliveries if not delivery.uses_own_quota]
        return all(_has_capacity(window, shared, time) for window in self.per_phone)

    def _has_shared_capacity(self, requester: Requester, time: datetime) -> bool:
        network = requester.client_ip.network
        of_network = [
            delivery
            for delivery in requester.deliveries
            if not delivery.uses_own_quota and delivery.client_ip.network == network
        ]
        return self._has_capacity_of_phone(requester, time) and all(
            _has_capacity(window, of_network, time) for window in self.per_phone_and_ip
        )

    def _has_own_quota(self, requester: Requester, time: datetime) -> bool:
        used = [delivery for delivery in requester.own_deliveries(time) if delivery.uses_own_quota]
        return requester.is_recognized and _has_capacity(self.own_quota, used, time)

    def _candidate_times(self, deliveries: Sequence[Delivery]) -> Iterator[datetime]:
        windows = (*self.per_phone, *self.per_phone_and_ip, self.own_quota)
        periods = {REJECTED_TTL, *(window.period for window in windows)}
        periods.update(self._cooldown_after(count) for count in range(len(deliveries) + 1))
        return (delivery.sent_at + period for delivery in deliveries for period in periods)


def _has_capacity(window: SlidingWindow, deliveries: Sequence[Delivery], time: datetime) -> bool:
    times = [delivery.sent_at for delivery in deliveries if delivery.counts_in(window, time)]
    return window.remaining(times, time) > 0


MAX_REJECTIONS: Final = 10
"""Rejections kept by a phone."""
COUNTRY_NOT_SERVED: Final = "country_not_served"
NUMBER_NOT_SERVED: Final = "number_not_served"
PHONE_IS_BLOCKED: Final = "block_phone"
PROVIDER_PAUSED: Final = "provider_paused"
PROOF_REQUIRED: Final = "proof_required"
BLOCKED_NETWORK: Final = "block_network"
"""What rejects a request that no limit rejects, in the place of a limit's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A request for a code that was rejected. It names nobody.

    Attributes:
        limit: The name of the limit that rejected it (`name_limit`, `Limitation`), or one of the
            names above; empty if it is not known.
        clients: Whose limit is used up; empty if it is everybody's.
        until: When the same request can succeed, as the client was told; None if it is not known.
        provider: The provider that pauses until then, because of `cause`; empty for other reasons.
    """

    at: datetime
    channel: Channel
    limit: str
    clients: str = ""
    until: datetime | None = None
    recognition: Recognition = Recognition.NONE
    has_proof: bool = False
    provider: str = ""
    cause: str = ""

    @property
    def expires_at(self) -> datetime:
        return self.at + ONE_DAY
