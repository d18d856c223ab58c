"""Rate limits that many phones share: per IP, network, number range, country and in total.

The names of limits of one network, or of one number range, have the same beginning: a database
that orders what it stores by name has them on one page, and each request writes fewer pages.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from domain.otp.attempts import UNCHALLENGED_ATTEMPTS
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.sliding_window import SlidingWindow

IPV6_SITE_FACTOR: Final = 3
"""How many times as much the /48 of an IPv6 client may do as its /64."""
NETWORK_PERCENT: Final = 5
"""How much of the limits of a country, and of those of failed attempts, one network can use up."""
ANONYMOUS_PERCENT: Final = 20
"""How much of the limit of inbound calls callers without a caller id can use up together."""
LEAVING_MESSAGES: Final = (
    SlidingWindow(1, timedelta(hours=1)),
    SlidingWindow(2, timedelta(days=1)),
)
"""Per phone: anybody can cause these messages by calling with the number of somebody else."""
LEAVING_PERCENT: Final = 5
"""The limit of these messages per country, as a part of the limit of codes."""
UNRECOGNIZED_PERCENT: Final = 60
"""How much of the limits per country and in total unrecognized requesters can use up."""
_DELIVERIES: Final = "deliveries"
_ALL_DELIVERIES: Final = "all_deliveries"
_CALLS: Final = "calls"
_CALLBACKS: Final = "callbacks"
_VERIFICATIONS: Final = "verifications"
_FAILED_ATTEMPTS: Final = "failed_attempts"
_UNCHALLENGED_ATTEMPTS: Final = "unchallenged_attempts"
_INBOUND_CALLS: Final = "inbound_calls"
_LEAVING_MESSAGES: Final = "leaving_messages"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A sliding window with a name. Everything with the same name is counted together.

    - With a `value` the window counts different values: a value that has a permit gets no second
      one, its permit is renewed instead. Such a permit is not released.
    - With a `fallback` a permit of that limit does as well, if this one has none left.
    - `is_listed` says that its permits can be listed.
    """

    name: str
    window: SlidingWindow
    value: str | None = None
    fallback: "RateLimit | None" = None
    is_listed: bool = False

    @property
    def keeps_permits(self) -> bool:
        """Whether each permit is kept, instead of their number. There are at most 250 of them."""
        return self.is_listed or self.value is not None


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit of a limit, and the id of the reservation that it belongs to."""

    reservation_id: str
    acquired_at: datetime


@dataclass(frozen=True, slots=True)
class Reservation:
    """One permit of each of these limits, all or none. `id` identifies them for the release.

    At most one of the limits has a value. What a reservation acquires that is not releasable is
    kept until it expires.
    """

    id: str
    acquired_at: datetime
    limits: tuple[RateLimit, ...]
    is_releasable: bool = True


class Recognition(Enum):
    """How it is known that a request probably comes from the owner of the phone's identity."""

    NONE = "none"
    TRUSTED_IP = "trusted_ip"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class DeliveryRoute:
    """Where a delivery comes from and goes to: what the limits that phones share depend on.

    `number_range` is the hash of the phone without its last four digits.
    """

    client_ip: HashedClientIp
    country: str
    number_range: str


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of an operator for deliveries and verifications (OWASP ASVS 5.0 6.6.3).

    - `per_ip` and `verifications_per_ip` count an IPv6 network of /64 as one IP, and allow three
      times as much for its /48.
    - `per_range`, `per_country` and `total` limit the cost of a flood of messages. They count
      unverified deliveries: a login releases its permits. `all_deliveries_factor` times as much is
      the limit of all deliveries, which a login does not release.
    - `calls_per_country` also limits the deliveries by a call. A login does not release it: a call
      costs more than a message, and who causes calls for money can log in as well.
    - `callbacks_per_country` limits the calls that callers of the phone line cause. They count on
      none of the other limits.
    - One network (IPv6 /48, IPv4 /24) can use up 5 % of the limits of a country.
    - One IP requests codes for phones of at most `countries_per_ip` countries a day.
    - Unrecognized requesters can use up 60 % of the limits per country and in total.
    - `inbound_per_caller` and `inbound_total` limit the calls that are answered. Callers without a
      caller id share a fifth of the total.
    - `failed_attempts_per_country` and `failed_attempts_total` limit how many codes strangers
      can try over all phones. They reject nothing themselves: while one of them is used up,
      fewer attempts are looked at.
    """

    per_ip: SlidingWindow = SlidingWindow(60, timedelta(hours=1))
    per_range: SlidingWindow = SlidingWindow(50, timedelta(hours=1))
    # Without a default, the first flood of messages would be a large bill before anybody sets one.
    per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    all_deliveries_factor: int = 10
    calls_per_country: SlidingWindow = SlidingWindow(200, timedelta(hours=1))
    callbacks_per_country: SlidingWindow = SlidingWindow(100, timedelta(hours=1))
    countries_per_ip: int = 5
    verifications_per_ip: SlidingWindow = SlidingWindow(600, timedelta(hours=1))
    failed_attempts_per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    failed_attempts_total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    inbound_per_caller: SlidingWindow = SlidingWindow(10, timedelta(hours=1))
    inbound_total: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))

    def for_delivery(
        self, route: DeliveryRoute, recognition: Recognition, channel: Channel = Channel.SMS
    ) -> tuple[RateLimit, ...]:
        """Return the limits of a delivery.

        What strangers can use up from the network of the owner, or for the owner's number range,
        does not limit an owner who is recognized. Neither do the limits of the IP if the device is.
        The limits of all deliveries hold for everybody.
        """
        limits: list[RateLimit] = []
        is_recognized = recognition is not Recognition.NONE
        if recognition is not Recognition.DEVICE:
            limits += self.for_ip(route.client_ip)
        of_range, of_network = self._for_range_and_network(_DELIVERIES, route)
        if not is_recognized:
            limits.append(of_range)
        if recognition is not Recognition.DEVICE:
            limits.append(of_network)
        limits += self._for_range_and_network(_ALL_DELIVERIES, route)
        for action in (_DELIVERIES, _ALL_DELIVERIES):
            limits += self._for_country_and_total(
                action, route.country, is_recognized=is_recognized
            )
        if channel is Channel.VOICE:
            name, window = f"{_CALLS}:country:{route.country}", self.calls_per_country
            limits.append(_part_of(name, window, is_recognized=is_recognized))
        if recognition is not Recognition.DEVICE:
            name = f"{_name_of_ip(route.client_ip)}:{_DELIVERIES}:countries"
            window = SlidingWindow(self.countries_per_ip, timedelta(days=1))
            limits.append(RateLimit(name, window, value=route.country))
        return tuple(limits)

    def for_callback(self, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a callback to a phone of the country."""
        return (RateLimit(f"{_CALLBACKS}:country:{country}", self.callbacks_per_country),)

    def released_by_login(self, route: DeliveryRoute) -> tuple[RateLimit, ...]:
        """Return the limits whose permits a login releases, as far as the delivery has them."""
        # The permits of a recognized requester may be those of any other.
        return (
            *self.for_ip(route.client_ip),
            *self._for_range_and_network(_DELIVERIES, route),
            *self._for_country_and_total(_DELIVERIES, route.country, is_recognized=True),
        )

    def for_ip(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return those limits of a delivery that belong to the IP."""
        return _limits_by_ip(_DELIVERIES, client_ip, self.per_ip)

    def for_verification(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return the limits of an attempt from this IP."""
        return _limits_by_ip(_VERIFICATIONS, client_ip, self.verifications_per_ip)

    def for_failed_attempt(self, client_ip: HashedClientIp, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a failed attempt at a phone of the country from this IP."""
        of_country, total = self.for_failed_attempts(country)
        of_network, total_of_network = (
            RateLimit(
                f"{_name_of_network(client_ip)}:{limit.name}",
                limit.window.scale_percent(NETWORK_PERCENT),
            )
            for limit in (of_country, total)
        )
        # The network's share is the first: when it is used up, nothing else is reserved.
        return of_network, of_country, total_of_network, total

    def for_failed_attempts(self, country: str) -> tuple[RateLimit, RateLimit]:
        """Return the limits of all failed attempts at phones of the country, from any IP."""
        return (
            RateLimit(f"{_FAILED_ATTEMPTS}:country:{country}", self.failed_attempts_per_country),
            RateLimit(f"{_FAILED_ATTEMPTS}:total", self.failed_attempts_total),
        )

    def for_unchallenged_attempt(self, client_ip: HashedClientIp, phone_key: str) -> RateLimit:
        """Return the limit of attempts from this IP at a phone without an active challenge.

        Args:
            client_ip: the client.
            phone_key: identifies the phone and does not reveal it.
        """
        name = f"{_name_of_ip(client_ip)}:{_UNCHALLENGED_ATTEMPTS}:phone:{phone_key}"
        return RateLimit(name, UNCHALLENGED_ATTEMPTS, is_listed=True)

    def for_inbound_call(self, phone_key: str | None) -> tuple[RateLimit, ...]:
        """Return the limits of an inbound call.

        Args:
            phone_key: identifies the phone and does not reveal it; None without a caller id.
        """
        by_caller = (
            RateLimit(f"{_INBOUND_CALLS}:phone:{phone_key}", self.inbound_per_caller)
            if phone_key
            else RateLimit(
                f"{_INBOUND_CALLS}:anonymous", self.inbound_total.scale_percent(ANONYMOUS_PERCENT)
            )
        )
        # The caller's part is the first: when it is used up, nothing else is reserved.
        return by_caller, RateLimit(f"{_INBOUND_CALLS}:total", self.inbound_total)

    def for_leaving_message(self, phone_key: str, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a message that says how to leave."""
        of_phone = (
            RateLimit(f"{_LEAVING_MESSAGES}:{number}:phone:{phone_key}", window)
            for number, window in enumerate(LEAVING_MESSAGES)
        )
        window = self.per_country.scale_percent(LEAVING_PERCENT)
        return (*of_phone, RateLimit(f"{_LEAVING_MESSAGES}:country:{country}", window))

    def _for_range_and_network(
        self, action: str, route: DeliveryRoute
    ) -> tuple[RateLimit, RateLimit]:
        network, factor = _name_of_network(route.client_ip), self._factor(action)
        of_network = self.per_country.scale(factor).scale_percent(NETWORK_PERCENT)
        return (
            RateLimit(f"phones:range:{route.number_range}:{action}", self.per_range.scale(factor)),
            RateLimit(f"{network}:{action}:country:{route.country}", of_network),
        )

    def _for_country_and_total(
        self, action: str, country: str, *, is_recognized: bool
    ) -> tuple[RateLimit, RateLimit]:
        of_country, total = (
            _part_of(
                f"{action}:{name}", window.scale(self._factor(action)), is_recognized=is_recognized
            )
            for name, window in ((f"country:{country}", self.per_country), ("total", self.total))
        )
        return of_country, total

    def _factor(self, action: str) -> int:
        return self.all_deliveries_factor if action == _ALL_DELIVERIES else 1


def _part_of(name: str, window: SlidingWindow, *, is_recognized: bool) -> RateLimit:
    """Return the part for everybody, or that for recognized requesters and then the other."""
    for_everybody = RateLimit(name, window.scale_percent(UNRECOGNIZED_PERCENT))
    rest = window.limit - for_everybody.window.limit
    if not is_recognized or not rest:
        return for_everybody
    of_recognized = SlidingWindow(rest, window.period)
    return RateLimit(f"{name}:recognized", of_recognized, fallback=for_everybody)


def _name_of_network(client_ip: HashedClientIp) -> str:
    return f"clients:network:{client_ip.network}"


def _name_of_ip(client_ip: HashedClientIp) -> str:
    return f"clients:network:{client_ip.network}:ip:{client_ip.ip}"


def _limits_by_ip(
    action: str, client_ip: HashedClientIp, window: SlidingWindow
) -> tuple[RateLimit, ...]:
    limit = RateLimit(f"{_name_of_ip(client_ip)}:{action}", window)
    if not client_ip.is_ipv6:
        return (limit,)
    of_site = RateLimit(f"{_name_of_network(client_ip)}:{action}", window.scale(IPV6_SITE_FACTOR))
    return limit, of_site
