"""Rate limits that many phones share: per IP, network, number range, country and in total.

The names of limits of one network, or of one number range, have the same beginning: a database
that orders what it stores by name has them on one page, and each request writes fewer pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from itertools import chain
from typing import Final

from domain.otp.attempts import UNCHALLENGED_ATTEMPTS
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.sliding_window import SlidingWindow

IPV6_SITE_FACTOR: Final = 3
"""How many times as much the /48 of an IPv6 client may do as its /64."""
NETWORK_PERCENT: Final = 5
"""How much of the limits of failed attempts one network can use up."""
LEAVING_MESSAGES: Final = (
    SlidingWindow(1, timedelta(hours=1)),
    SlidingWindow(2, timedelta(days=1)),
)
"""Per phone: anybody can cause these messages by calling with the number of somebody else."""
LEAVING_PERCENT: Final = 5
"""The limit of these messages per country, as a part of the limit of codes."""
RECOGNIZED_PERCENT: Final = 25
"""The part for recognized phones in the limits per country and in total. Strangers have 60 %."""
RESERVE_PERCENT: Final = 15
"""The part for recognized phones with an established identity, after the other two."""
CALLBACK_RESERVE_PERCENT: Final = 40
"""The part for numbers of established identities in the limits of callbacks."""
SHARE_PERCENT: Final = 5
"""How much of each part one network, or one number range, can use up."""
MIN_SHARE: Final = 3
"""The least that a share is, but never more than half of the part."""
RECOGNIZED_DELIVERIES: Final = SlidingWindow(2, timedelta(days=1))
"""Per phone in the parts for recognized phones: by device tokens, and as many from trusted IPs."""
_DELIVERIES: Final = "deliveries"
_ALL_DELIVERIES: Final = "all_deliveries"
_CALLS: Final = "calls"
_CALLBACKS: Final = "callbacks"
_STRANGERS: Final = ""
_RECOGNIZED: Final = ":recognized"
_RESERVE: Final = ":reserve"
_Parts = tuple[tuple[str, int], ...]
"""Parts of a limit in the order in which they are used, each with its percentage.

Strangers have what the others leave.
"""
_DELIVERY_PARTS: Final[_Parts] = (
    (_RECOGNIZED, RECOGNIZED_PERCENT),
    (_STRANGERS, 0),
    (_RESERVE, RESERVE_PERCENT),
)
_CALLBACK_PARTS: Final[_Parts] = ((_STRANGERS, 0), (_RESERVE, CALLBACK_RESERVE_PERCENT))


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A sliding window with a name. Everything with the same name is counted together.

    `is_listed` says that its permits can be listed: each permit is kept, at most 250 of them, and
    not only their number.
    """

    name: str
    window: SlidingWindow
    is_listed: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit of a limit, and the id of the reservation that it belongs to."""

    reservation_id: str
    acquired_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a limit, with the shares in it: a permit of each of these, all or none.

    `is_reserve` says that it is for established identities only.
    """

    limits: tuple[RateLimit, ...]
    is_reserve: bool = False


@dataclass(frozen=True, slots=True)
class Reservation:
    """One permit of each of these limits, all or none. `id` identifies them for the release.

    - `divided` are limits that have parts, each with its parts in their order: the first part that
      has a permit of each of its limits is used. None of these limits is listed.
    - What a reservation acquires that is not releasable is kept until it expires.
    """

    id: str
    acquired_at: datetime
    limits: tuple[RateLimit, ...]
    is_releasable: bool = True
    divided: tuple[tuple[Part, ...], ...] = ()

    @property
    def all_limits(self) -> tuple[RateLimit, ...]:
        """Its limits, and those of all parts."""
        of_parts = [limit for parts in self.divided for part in parts for limit in part.limits]
        return (*self.limits, *of_parts)

    def with_first_parts(self) -> "Reservation":
        """Return the reservation with the first part of each divided limit only."""
        return replace(self, divided=tuple(parts[:1] for parts in self.divided))

    def without_reserve(self) -> "Reservation":
        """Return the reservation with the other parts only."""
        divided = tuple(
            tuple(part for part in parts if not part.is_reserve) for parts in self.divided
        )
        return replace(self, divided=divided)


class Recognition(Enum):
    """How it is known that a request probably comes from the owner of the phone's identity."""

    NONE = "none"
    TRUSTED_IP = "trusted_ip"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class DeliveryRoute:
    """Where a delivery comes from and goes to: what the limits that phones share depend on.

    `number_range` is the hash of the phone without its last four digits. `phone_key` identifies
    the phone and does not reveal it.
    """

    client_ip: HashedClientIp
    country: str
    number_range: str
    phone_key: str


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of an operator for deliveries and verifications (OWASP ASVS 5.0 6.6.3).

    - `per_ip` and `verifications_per_ip` count an IPv6 network of /64 as one IP, and allow three
      times as much for its /48.
    - `per_country` and `total` limit the cost of a flood of messages. They count unverified
      deliveries: a login releases its permits. `all_deliveries_factor` times as much is the limit
      of all deliveries, which a login does not release.
    - `calls_per_country` also limits the deliveries by a call. A login does not release it: a call
      costs more than a message, and who causes calls for money can log in as well.
    - Each of these has three parts: strangers have 60 %, recognized phones 25 %, and 15 % is the
      reserve. A part of 0 does not exist, and strangers get what it would have in total. Recognized
      phones use their own part first, then that of strangers, last the reserve. One number range
      can use up 5 % of each part of its country, and one network (IPv6 /48, IPv4 /24) as much in
      all countries together.
    - In their own part and the reserve, a phone has two unverified deliveries a day by device
      tokens, and two from trusted IPs. Further ones count as those of a stranger.
    - `callbacks_per_country` and `callbacks_total` limit the calls that callers of the phone line
      cause. They count on none of the other limits. Each has two parts: everybody has 60 %, and
      40 % is the reserve. One number range can use up 5 % of each part of its country.
    - `failed_attempts_per_country` and `failed_attempts_total` limit how many codes strangers
      can try over all phones. They reject nothing themselves: while one of them is used up,
      fewer attempts are looked at.
    """

    per_ip: SlidingWindow = SlidingWindow(60, timedelta(hours=1))
    # Without a default, the first flood of messages would be a large bill before anybody sets one.
    per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    all_deliveries_factor: int = 10
    calls_per_country: SlidingWindow = SlidingWindow(200, timedelta(hours=1))
    callbacks_per_country: SlidingWindow = SlidingWindow(100, timedelta(hours=1))
    callbacks_total: SlidingWindow = SlidingWindow(500, timedelta(hours=1))
    verifications_per_ip: SlidingWindow = SlidingWindow(600, timedelta(hours=1))
    failed_attempts_per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    failed_attempts_total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))

    def reserve_delivery(
        self,
        request_id: str,
        now: datetime,
        route: DeliveryRoute,
        recognition: Recognition,
        channel: Channel = Channel.SMS,
    ) -> Reservation:
        """Return the reservation of a delivery.

        The limits of the IP hold for a recognized phone in the part of strangers only: others who
        share the IP may have used them up.
        """
        actions = [_DELIVERIES, _ALL_DELIVERIES, *([_CALLS] if channel is Channel.VOICE else [])]
        of_ip = self.for_ip(route.client_ip)
        if recognition is Recognition.NONE:
            of_strangers = [
                self._limits_of_parts(action, route, [_STRANGERS])[_STRANGERS] for action in actions
            ]
            parts = tuple((Part(limits),) for limits in of_strangers)
            return Reservation(request_id, now, of_ip, divided=parts)
        divided = [self._limits_of_parts(action, route) for action in actions]
        of_phone = (_limit_of_phone(route, recognition),)
        others = {_RECOGNIZED: of_phone, _STRANGERS: of_ip, _RESERVE: of_phone}
        divided[0] = {name: (*others[name], *limits) for name, limits in divided[0].items()}
        in_order = tuple(
            tuple(Part(limits, is_reserve=name == _RESERVE) for name, limits in parts.items())
            for parts in divided
        )
        return Reservation(request_id, now, (), divided=in_order)

    def reserve_callback(
        self, reservation_id: str, now: datetime, country: str, number_range: str
    ) -> Reservation:
        """Return the reservation of a callback to a phone of the country and number range.

        A caller id is a claim, so there is no IP or network that could have a share.
        """
        parts = tuple(
            Part(
                (
                    RateLimit(f"phones:range:{number_range}:{_CALLBACKS}{name}", share),
                    *_of_country_and_total(_CALLBACKS, country, name, windows),
                ),
                is_reserve=name == _RESERVE,
            )
            for name, (share, *windows) in self._windows_of_callbacks().items()
        )
        return Reservation(reservation_id, now, (), divided=(parts,))

    def released_by_login(self, route: DeliveryRoute) -> tuple[RateLimit, ...]:
        """Return the limits whose permits a login releases, as far as the delivery has them."""
        of_parts = self._limits_of_parts(_DELIVERIES, route).values()
        return (*self.for_ip(route.client_ip), *_limits_of_phone(route), *chain(*of_parts))

    def released_by_rejection(self, route: DeliveryRoute) -> tuple[RateLimit, ...]:
        """Return the limits whose permits a delivery releases that a provider rejected.

        These are those of unverified deliveries: of the country, in total, and of the phone in a
        day. Those of IP, network and range stay, and those of all deliveries and of calls:
        otherwise a provider that fails would get any number of requests.
        """
        windows = _windows_of_parts(_DELIVERY_PARTS, 1, self.per_country, self.total)
        shared = [
            _of_country_and_total(_DELIVERIES, route.country, name, of_part)
            for name, (_, *of_part) in windows.items()
        ]
        return (*_limits_of_phone(route), *chain(*shared))

    def released_by_rejected_callback(self, country: str) -> tuple[RateLimit, ...]:
        """Return the limits whose permits a callback releases that the provider rejected."""
        shared = [
            _of_country_and_total(_CALLBACKS, country, name, of_part)
            for name, (_, *of_part) in self._windows_of_callbacks().items()
        ]
        return tuple(chain(*shared))

    def for_ip(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return those limits of a delivery that belong to the IP."""
        return _limits_by_ip(_DELIVERIES, client_ip, self.per_ip)

    def for_verification(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return the limits of an attempt from this IP."""
        return _limits_by_ip("verifications", client_ip, self.verifications_per_ip)

    def for_failed_attempt(self, client_ip: HashedClientIp, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a failed attempt at a phone of the country from this IP."""
        of_country, total = self.for_failed_attempts(country)
        network = _name_of_network(client_ip)
        of_network, total_of_network = (
            RateLimit(f"{network}:{limit.name}", limit.window.scale_percent(NETWORK_PERCENT))
            for limit in (of_country, total)
        )
        # The network's share is the first: when it is used up, nothing else is reserved.
        return of_network, of_country, total_of_network, total

    def for_failed_attempts(self, country: str) -> tuple[RateLimit, RateLimit]:
        """Return the limits of all failed attempts at phones of the country, from any IP."""
        return (
            RateLimit(f"failed_attempts:country:{country}", self.failed_attempts_per_country),
            RateLimit("failed_attempts:total", self.failed_attempts_total),
        )

    def for_unchallenged_attempt(self, client_ip: HashedClientIp, phone_key: str) -> RateLimit:
        """Return the limit of attempts from this IP at a phone without an active challenge.

        Args:
            client_ip: the client.
            phone_key: identifies the phone and does not reveal it.
        """
        name = f"{_name_of_ip(client_ip)}:unchallenged_attempts:phone:{phone_key}"
        return RateLimit(name, UNCHALLENGED_ATTEMPTS, is_listed=True)

    def for_leaving_message(self, phone_key: str, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a message that says how to leave, the shortest of the phone first.

        Only that one keeps its permit if a provider rejects the message.
        """
        of_phone = (
            RateLimit(f"leaving_messages:{number}:phone:{phone_key}", window)
            for number, window in enumerate(LEAVING_MESSAGES)
        )
        window = self.per_country.scale_percent(LEAVING_PERCENT)
        return (*of_phone, RateLimit(f"leaving_messages:country:{country}", window))

    def _limits_of_parts(
        self, action: str, route: DeliveryRoute, names: Sequence[str] | None = None
    ) -> dict[str, tuple[RateLimit, ...]]:
        """Return the limits of those parts that exist, with the shares in them."""
        limits = (self.calls_per_country,) if action == _CALLS else (self.per_country, self.total)
        factor = self.all_deliveries_factor if action == _ALL_DELIVERIES else 1
        windows = _windows_of_parts(_DELIVERY_PARTS, factor, *limits)
        return {
            name: (
                RateLimit(f"phones:range:{route.number_range}:{action}{name}", share),
                RateLimit(f"{_name_of_network(route.client_ip)}:{action}:share{name}", share),
                *_of_country_and_total(action, route.country, name, of_part),
            )
            for name, (share, *of_part) in windows.items()
            if names is None or name in names
        }

    def _windows_of_callbacks(self) -> Mapping[str, Sequence[SlidingWindow]]:
        limits = (self.callbacks_per_country, self.callbacks_total)
        return _windows_of_parts(_CALLBACK_PARTS, 1, *limits)


@cache
def _windows_of_parts(
    parts: _Parts, factor: int, *limits: SlidingWindow
) -> Mapping[str, Sequence[SlidingWindow]]:
    """Return the windows of each part that exists: that of a share, and one for each limit.

    Together the parts are exactly the limit.
    """
    sizes = [window.limit * factor for window in limits]
    of_parts = {
        name: [size * percent // 100 for size in sizes]
        for name, percent in parts
        if name != _STRANGERS
    }
    existing = {name: part for name, part in of_parts.items() if all(part)}
    taken = [sum(of_limit) for of_limit in zip(*existing.values(), strict=True)] or [0] * len(sizes)
    existing[_STRANGERS] = [size - other for size, other in zip(sizes, taken, strict=True)]
    return {
        name: [
            # Of the smallest one: nobody has a larger share of another.
            SlidingWindow(_share(min(existing[name])), limits[0].period),
            *(
                SlidingWindow(size, limit.period)
                for size, limit in zip(existing[name], limits, strict=True)
            ),
        ]
        for name, _ in parts
        if name in existing
    }


def _of_country_and_total(
    action: str, country: str, part: str, windows: Sequence[SlidingWindow]
) -> tuple[RateLimit, ...]:
    """Return the limits of a part for a country and, unless the action has none, in total."""
    of_country, *of_total = windows
    return (
        RateLimit(f"{action}:country:{country}{part}", of_country),
        *(RateLimit(f"{action}:total{part}", window) for window in of_total),
    )


def _limits_of_phone(route: DeliveryRoute) -> list[RateLimit]:
    """Return the limits of a phone in the parts for recognized phones."""
    recognitions = (Recognition.DEVICE, Recognition.TRUSTED_IP)
    return [_limit_of_phone(route, recognition) for recognition in recognitions]


def _limit_of_phone(route: DeliveryRoute, recognition: Recognition) -> RateLimit:
    name = f"phones:phone:{route.phone_key}:{_DELIVERIES}:{recognition.value}"
    return RateLimit(name, RECOGNIZED_DELIVERIES)


def _share(part: int) -> int:
    """Return the share of a network or number range in a part, rounded up."""
    percent = min(max(part * SHARE_PERCENT, MIN_SHARE * 100), part * 100 // 2)
    return -(-percent // 100)


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
    of_site = SlidingWindow(window.limit * IPV6_SITE_FACTOR, window.period)
    return limit, RateLimit(f"{_name_of_network(client_ip)}:{action}", of_site)
