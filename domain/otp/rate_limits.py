"""Rate limits that many phones share: per IP, network, number range, country and in total.

What a limit counts is a subject (an IP, a network, a range, a phone, a country, the total, a
service token, an identity) and a purpose (deliveries, attempts, calls, reads). All windows of one
subject and purpose are one record.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.permits import (
    ALL,
    BY_CALL,
    CODES_OF_IDENTITY,
    REQUESTER,
    UNVERIFIED,
    Outcome,
    Permits,
    Recognition,
    Settlement,
    UsedPart,
    settle,
)
from domain.otp.sliding_window import SlidingWindow

VERIFICATIONS_PER_DELIVERY: Final = 10
"""Attempts of an IP for each message that it may cause: the five of a message, twice."""
IPV6_SITE_FACTOR: Final = 3
"""How many times as much the /48 of an IPv6 client may do as its /64."""
OTHERS_PER_COUNTRY: Final = SlidingWindow(1_000, timedelta(hours=1))
OTHERS_TOTAL: Final = SlidingWindow(5_000, timedelta(hours=1))
"""Wrong codes without an id from IPs that neither requested the code nor signed in before."""
RECOGNIZED_PERCENT: Final = 40
"""The part for recognized phones in the limits per country and in total. Strangers have 60 %."""
ATTESTED_PERCENT: Final = 15
"""The part for clients that send a proof, out of that of strangers, if the operator asks for it."""
SHARE_PERCENT: Final = 5
"""How much of each part one network, or one number range, can use up."""
MIN_SHARE: Final = 3
"""The least that a share is, but never more than half of the part."""
PHONE_CHANGE_DELIVERIES: Final = SlidingWindow(10, timedelta(days=1))
"""Per identity: codes for a change of its phone, to the new numbers and the present one."""
RECOGNIZED_DELIVERIES: Final = SlidingWindow(4, timedelta(days=1))
"""Per phone in the part for recognized phones."""

MAX_SUBJECT_LENGTH: Final = 150
"""Characters of a subject: up to 600 bytes of UTF-8."""
MAX_LIMIT_RECORD_ID_LENGTH: Final = 200
"""Characters of `RateLimit.record_id`, as of the id of any record."""
MAX_WINDOW_NAME_LENGTH: Final = 64

STRANGERS: Final = "strangers"
RECOGNIZED: Final = "recognized"
ATTESTED: Final = "attested"
"""The parts of a limit. Strangers have what the others leave."""
OTHERS: Final = "others"
"""The windows of attempts of others."""
_PERCENT_OF_DELIVERIES: Final = ((RECOGNIZED, RECOGNIZED_PERCENT),)
_PERCENT_WITH_ATTESTATION: Final = (*_PERCENT_OF_DELIVERIES, (ATTESTED, ATTESTED_PERCENT))
_COUNTRY: Final = "country:"
_TOTAL: Final = "total"


class LimitPurpose(StrEnum):
    """What a limit is for. The values are parts of stored ids."""

    DELIVERIES = "deliveries"
    ATTEMPTS = "attempts"
    CALLS = "calls"
    READS = "reads"
    ACTS = "acts"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A sliding window of a subject, for a purpose.

    Attributes:
        subject: Who or what is counted: `ip:<hash>`, `network:<hash>`, `range:<hash>`,
            `phone:<key>`, `country:DE`, `total`, `token:<id>` or `identity:<id>`. It has at most
            `MAX_SUBJECT_LENGTH` characters.
        purpose: What it is counted for.
        name: Distinguishes the windows of one subject and purpose: lower-case words, with `_` and
            `:` between them, and at most `MAX_WINDOW_NAME_LENGTH` characters.
        window: How many permits it has, and for how long each counts.
    """

    subject: str
    purpose: LimitPurpose
    name: str
    window: SlidingWindow

    @property
    def record_id(self) -> str:
        """The id of the record that has all windows of the subject and purpose."""
        return f"{self.subject}:{self.purpose}"

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it, whatever its window is."""
        return self.record_id, self.name

    @property
    def subject_kind(self) -> str:
        """Its subject without an id: `ip`, `network`, `country`, `total` and so on."""
        return self.subject.partition(":")[0]

    @property
    def is_shared(self) -> bool:
        """Whether it counts all phones of a country, or all phones."""
        return self.subject == _TOTAL or bool(self.country)

    @property
    def country(self) -> str:
        """The country whose phones it counts together; empty if it counts anything else."""
        return self.subject.removeprefix(_COUNTRY) if self.subject.startswith(_COUNTRY) else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a limit, with the shares in it.

    Each of these limits gives a permit, or none does.
    """

    name: str
    limits: tuple[RateLimit, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Limits that are divided into parts.

    The first part is used that has a permit of each limit.
    """

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Why a client gets no permit for a time, whatever the limits say.

    Attributes:
        name: What restricts the client, in the place of a limit's name.
        until: When it ends, unless it is renewed.
        ends_with_proof: Whether a right proof ends it for the client.
    """

    name: str
    until: datetime
    ends_with_proof: bool


@dataclass(frozen=True, slots=True)
class Reservation:
    """A permit of each of these limits, and of a part of each group: all or none.

    Attributes:
        limits: The limits that have no parts.
        groups: Those that have parts.
    """

    acquired_at: datetime
    limits: tuple[RateLimit, ...]
    groups: tuple[Group, ...] = ()

    @property
    def all_limits(self) -> tuple[RateLimit, ...]:
        """Its limits, and those of all parts."""
        parts = [part for group in self.groups for part in group.parts]
        return (*self.limits, *(limit for part in parts for limit in part.limits))

    @property
    def ordinary(self) -> "Reservation":
        """The reservation with the parts that need no proof."""
        if not any(part.name == ATTESTED for group in self.groups for part in group.parts):
            return self
        groups = tuple(
            replace(group, parts=tuple(part for part in group.parts if part.name != ATTESTED))
            for group in self.groups
        )
        return replace(self, groups=groups)

    def with_limits(self, *limits: RateLimit) -> "Reservation":
        """Return the reservation with further limits."""
        return replace(self, limits=(*self.limits, *limits))

    def find_rejecting(self, used_up: Collection[RateLimit]) -> list[RateLimit]:
        """Return those of these limits that reject the reservation.

        A group rejects it if no part has a permit. Then its first part, which is for the client,
        stands for the others.
        """
        parts = [
            group.parts[0].limits
            for group in self.groups
            if group.parts
            and all(any(limit in used_up for limit in part.limits) for part in group.parts)
        ]
        return [limit for limits in (self.limits, *parts) for limit in limits if limit in used_up]


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A permit of each of these limits, acquired at this time in these parts."""

    acquired_at: datetime
    limits: tuple[RateLimit, ...]
    parts: tuple[UsedPart, ...] = ()


@dataclass(frozen=True, slots=True)
class _PartWindows:
    """The windows of a part: of one network or number range, of a country, and in total if any."""

    share: SlidingWindow
    of_country: SlidingWindow
    of_total: SlidingWindow | None

    def shared_limits(self, country: str, name: str) -> tuple[RateLimit, ...]:
        """Return the limits for the country and, if there is one, in total."""
        purpose = LimitPurpose.DELIVERIES
        of_country = RateLimit(f"{_COUNTRY}{country}", purpose, name, self.of_country)
        if self.of_total is None:
            return (of_country,)
        return of_country, RateLimit(_TOTAL, purpose, name, self.of_total)


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
    - Each of these has two parts: strangers have 60 %, recognized phones 40 %. A part of 0 does not
      exist, and strangers get what it would have in total. Recognized phones use their own part
      first, then that of strangers. One number range can use up 5 % of each part of its country,
      and one network (IPv6 /48, IPv4 /24) as much in all countries together.
    - With `has_attested_part`, strangers have 45 %, and 15 % is for requests with a proof. One
      number range and one network can use up 5 % of it as well.
    - In the part for recognized phones a phone has four unverified deliveries a day. Further ones
      count as those of a stranger.
    - `others_per_country` and `others_total` limit how many wrong codes are looked at without an id
      from IPs that neither requested the code nor signed in before. While one is used up, only such
      attempts are rejected.
    """

    per_ip: SlidingWindow = SlidingWindow(60, timedelta(hours=1))
    # Without a default, the first flood of messages would be a large bill before anybody sets one.
    per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    all_deliveries_factor: int = 10
    calls_per_country: SlidingWindow = SlidingWindow(200, timedelta(hours=1))
    verifications_per_ip: SlidingWindow = SlidingWindow(
        VERIFICATIONS_PER_DELIVERY * 60, timedelta(hours=1)
    )
    others_per_country: SlidingWindow = OTHERS_PER_COUNTRY
    others_total: SlidingWindow = OTHERS_TOTAL
    has_attested_part: bool = False
    _windows: Mapping[str, Mapping[str, _PartWindows]] = field(
        init=False, repr=False, compare=False
    )
    """The windows of each part of a group, in the order in which parts are used."""

    def __post_init__(self) -> None:
        percent = _PERCENT_WITH_ATTESTATION if self.has_attested_part else _PERCENT_OF_DELIVERIES
        windows = {
            UNVERIFIED: _divide(percent, self.per_country, self.total),
            ALL: _divide(percent, *self.all_deliveries),
            BY_CALL: _divide(percent, self.calls_per_country),
        }
        object.__setattr__(self, "_windows", windows)

    def reserve_delivery(
        self,
        now: datetime,
        route: DeliveryRoute,
        recognition: Recognition,
        channel: Channel,
        identity_id: str | None = None,
    ) -> Reservation:
        """Return the reservation of a delivery, with all parts that it may have.

        The limits of the IP hold for a recognized phone in the parts of strangers and of proofs
        only: others who share the IP may have used them up.

        Args:
            now: The time of the reservation.
            route: Where the delivery comes from and goes to.
            recognition: How the client is recognized.
            channel: How the code is delivered.
            identity_id: The identity whose code it carries, if only that may use it.
        """
        of_ip = limits = self.for_ip(route.client_ip)
        of_parts: dict[str, tuple[RateLimit, ...]] = {STRANGERS: (), ATTESTED: ()}
        if recognition is not Recognition.NONE:
            limits = ()
            of_parts = {RECOGNIZED: (_limit_of_phone(route),), STRANGERS: of_ip, ATTESTED: of_ip}
        groups = []
        for group in (UNVERIFIED, ALL, *((BY_CALL,) if channel is Channel.VOICE else ())):
            parts = []
            for part, windows in self._windows[group].items():
                if part in of_parts:
                    further = of_parts[part] if group == UNVERIFIED else ()
                    of_all = self._limits_of_part(windows, group, part, route)
                    parts.append(Part(part, (*further, *of_all)))
            groups.append(Group(group, tuple(parts)))
        return Reservation(now, (*limits, *for_phone_change(identity_id)), tuple(groups))

    def reserve_test_otp(
        self, now: datetime, client_ip: HashedClientIp, identity_id: str | None
    ) -> Reservation:
        """Return the reservation of a code for a phone with a test OTP.

        No message is sent, so no permit of a country or in total is needed.
        """
        return Reservation(now, (*self.for_ip(client_ip), *for_phone_change(identity_id)))

    def settle(
        self,
        route: DeliveryRoute,
        permits: Permits,
        outcome: Outcome,
        identity_id: str | None = None,
    ) -> Acquisition:
        """Return what a delivery gives back of its permits.

        The identity is the one whose code it carried, if only that may use it.
        """
        settlement = settle(permits, outcome)
        limits = [
            limit
            for used in settlement.parts
            for limit in self._limits_of_part(
                self._released_windows(used.group, used.part), used.group, used.part, route
            )
        ]
        if REQUESTER in settlement.groups:
            limits += self._limits_of_requester(route, permits)
        if CODES_OF_IDENTITY in settlement.groups:
            limits += for_phone_change(identity_id)
        return _give_back(permits, settlement, limits)

    def _limits_of_requester(self, route: DeliveryRoute, permits: Permits) -> tuple[RateLimit, ...]:
        if permits.part_of(UNVERIFIED) in (None, STRANGERS, ATTESTED):
            return self.for_ip(route.client_ip)
        return (_limit_of_phone(route),)

    def for_ip(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return those limits of a delivery that belong to the IP."""
        return _limits_by_ip(LimitPurpose.DELIVERIES, client_ip, self.per_ip)

    def for_attestation(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return the limits of the proofs that are checked for this IP."""
        return _limits_by_ip(LimitPurpose.DELIVERIES, client_ip, self.per_ip, "attestations")

    def for_verification(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        """Return the limits of an attempt from this IP."""
        return _limits_by_ip(LimitPurpose.ATTEMPTS, client_ip, self.verifications_per_ip)

    def for_others(self, country: str) -> tuple[RateLimit, RateLimit]:
        """Return the limits of an attempt of others at a phone of the country."""
        purpose, name = LimitPurpose.ATTEMPTS, OTHERS
        return (
            RateLimit(f"{_COUNTRY}{country}", purpose, name, self.others_per_country),
            RateLimit(_TOTAL, purpose, name, self.others_total),
        )

    def shared_limits(self, countries: Collection[str]) -> Sequence[RateLimit]:
        """Return the limits that all phones of each of these countries share, or all phones.

        Each part of deliveries has such limits, and so have attempts of others.
        """
        purpose = LimitPurpose.DELIVERIES
        parts = [
            (f"{group}:{part}", windows)
            for group, windows_of_parts in self._windows.items()
            for part, windows in windows_of_parts.items()
        ]
        limits = [
            RateLimit(_TOTAL, purpose, name, windows.of_total)
            for name, windows in parts
            if windows.of_total is not None
        ]
        limits.append(RateLimit(_TOTAL, LimitPurpose.ATTEMPTS, OTHERS, self.others_total))
        for country in countries:
            limits += [
                RateLimit(f"{_COUNTRY}{country}", purpose, name, windows.of_country)
                for name, windows in parts
            ]
            of_others, _ = self.for_others(country)
            limits.append(of_others)
        return limits

    @property
    def all_deliveries(self) -> tuple[SlidingWindow, SlidingWindow]:
        """The limits of all deliveries: of a country, and in total."""
        percent = 100 * self.all_deliveries_factor
        return self.per_country.scale_percent(percent), self.total.scale_percent(percent)

    def _released_windows(self, group: str, part: str) -> _PartWindows:
        """Return the windows of a part whose permits are released.

        After attestation was switched off its part no longer exists: what is released has names
        and periods, which are those of any part.
        """
        windows = self._windows[group]
        return windows.get(part, windows[STRANGERS])

    def _limits_of_part(
        self, windows: _PartWindows, group: str, part: str, route: DeliveryRoute
    ) -> tuple[RateLimit, ...]:
        """Return the limits of a part with the shares in it."""
        name, purpose = f"{group}:{part}", LimitPurpose.DELIVERIES
        return (
            RateLimit(f"range:{route.number_range}", purpose, name, windows.share),
            RateLimit(f"network:{route.client_ip.network}", purpose, name, windows.share),
            *windows.shared_limits(route.country, name),
        )


def _divide(
    percent_of_parts: Sequence[tuple[str, int]],
    of_country: SlidingWindow,
    of_total: SlidingWindow | None = None,
) -> Mapping[str, _PartWindows]:
    """Divide these limits into parts, in the order in which the parts are used.

    Together the parts are exactly the limit. A part of 0 does not exist.
    """
    country_size = of_country.limit
    total_size = of_total.limit if of_total else 0
    country_left, total_left = country_size, total_size
    parts: dict[str, _PartWindows] = {}
    for name, percent in percent_of_parts:
        for_country = country_size * percent // 100
        for_total = total_size * percent // 100
        if for_country and (for_total or of_total is None):
            parts[name] = _make_part(for_country, of_country, for_total, of_total)
            country_left -= for_country
            total_left -= for_total
    parts[STRANGERS] = _make_part(country_left, of_country, total_left, of_total)
    order = (RECOGNIZED, STRANGERS, ATTESTED)
    return {name: parts[name] for name in order if name in parts}


def _make_part(
    for_country: int, of_country: SlidingWindow, for_total: int, of_total: SlidingWindow | None
) -> _PartWindows:
    """Return the windows of a part that has so many permits of both limits."""
    # A share of the smaller limit, so that nobody has a larger share of the other one.
    smaller = for_country if of_total is None else min(for_country, for_total)
    return _PartWindows(
        SlidingWindow(_share(smaller), of_country.period),
        SlidingWindow(for_country, of_country.period),
        SlidingWindow(for_total, of_total.period) if of_total else None,
    )


def _give_back(
    permits: Permits, settlement: Settlement, limits: Sequence[RateLimit]
) -> Acquisition:
    """Return the permits of these limits, without those that are kept."""
    kept = settlement.kept_subjects
    given_back = tuple(limit for limit in limits if limit.subject_kind not in kept)
    return Acquisition(permits.acquired_at, given_back)


def for_phone_change(identity_id: str | None) -> tuple[RateLimit, ...]:
    """Return the limit of codes for changes of the phone of an identity, if there is one."""
    if identity_id is None:
        return ()
    window = PHONE_CHANGE_DELIVERIES
    return (RateLimit(f"identity:{identity_id}", LimitPurpose.DELIVERIES, "phone_change", window),)


def _limit_of_phone(route: DeliveryRoute) -> RateLimit:
    """Return the limit of a phone in the part for recognized phones."""
    subject = f"phone:{route.phone_key}"
    return RateLimit(subject, LimitPurpose.DELIVERIES, RECOGNIZED, RECOGNIZED_DELIVERIES)


def _share(part: int) -> int:
    """Return the share of a network or number range in a part, rounded up."""
    percent = min(max(part * SHARE_PERCENT, MIN_SHARE * 100), part * 100 // 2)
    return -(-percent // 100)


def _limits_by_ip(
    purpose: LimitPurpose, client_ip: HashedClientIp, window: SlidingWindow, name: str = "requests"
) -> tuple[RateLimit, ...]:
    limit = RateLimit(f"ip:{client_ip.ip}", purpose, name, window)
    if not client_ip.is_ipv6:
        return (limit,)
    of_site = SlidingWindow(window.limit * IPV6_SITE_FACTOR, window.period)
    return limit, RateLimit(f"network:{client_ip.network}", purpose, name, of_site)


_BY_SUBJECT: Final = {
    "ip": "per_ip",
    "network": "per_network",
    "range": "per_number_range",
    "phone": "per_phone",
    "token": "per_token",
    "identity": "per_identity",
}
_COUNTED: Final = {BY_CALL: "calls", OTHERS: "attempts_of_others"}
"""What limits per country and in total count, where the name of the window does not say it."""


class LimitName(NamedTuple):
    """The name of a limit, and its part. Neither says who is counted.

    Attributes:
        limit: `per_ip`, `per_network`, `per_number_range`, `per_phone`, `per_token`,
            `per_identity`, or what is counted `per_country` or in `total`, such as
            `unverified_per_country` or `all_total`.
        part: `strangers`, `recognized` or `attested`; empty if it has no parts.
    """

    limit: str
    part: str


NO_LIMIT: Final = LimitName("", "")
"""The name of a limit that is not known."""


def name_limit(limit: RateLimit) -> LimitName:
    """Return the name of a limit. It is stable, because alerts depend on it."""
    subject = limit.subject_kind
    counted, _, part = limit.name.partition(":")
    if subject in _BY_SUBJECT:
        return LimitName(_BY_SUBJECT[subject], part)
    scope = "per_country" if limit.country else subject
    return LimitName(f"{_COUNTED.get(counted, counted)}_{scope}", part)
