"""Rate limits that many phones share: per IP, network, number range, country and in total.

What a limit counts is a subject (an IP, a network, a range, a phone, a country, the total, a
service token, an identity) and a purpose (deliveries, attempts, calls, reads). All windows of one
subject and purpose are one record.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from domain.otp.delivery import HashedClientIp
from domain.otp.permits import Clients, Outcome
from domain.otp.sliding_window import SlidingWindow

VERIFICATIONS_PER_DELIVERY: Final = 10
"""Attempts of an IP for each message that it may cause: the five of a message, twice."""
IPV6_SITE_FACTOR: Final = 3
"""Limit of an IPv6 client's /48, as a multiple of its /64's."""
OTHERS_PER_COUNTRY: Final = SlidingWindow(1_000, timedelta(hours=1))
OTHERS_TOTAL: Final = SlidingWindow(5_000, timedelta(hours=1))
"""Wrong codes without an id from IPs that neither requested the code nor signed in before."""
RECOGNIZED_PERCENT: Final = 40
"""Recognized clients' part of a divided limit. Strangers have what the others leave."""
STRANGERS_PERCENT: Final = 100 - RECOGNIZED_PERCENT
ATTESTED_PERCENT: Final = 15
"""Part of clients with a proof, if the operator asks for one: it is taken from strangers."""
NETWORK_PERCENT: Final = 5
"""Maximum part of a network or number range in the limit of each kind of clients, and in that of
all deliveries."""
MIN_NETWORK_LIMIT: Final = 3
"""Minimum of a network or number range, but never more than half of the clients' limit."""
PHONE_CHANGE_DELIVERIES: Final = SlidingWindow(10, timedelta(days=1))
"""Per identity: codes for a change of its phone, to the new numbers and the present one."""
PHONE_CHANGE_DELIVERIES_OF_SESSION: Final = PHONE_CHANGE_DELIVERIES.scale_percent(50)
"""Part per session: a thief of a token leaves the rest to an owner who signs in anew."""
VERIFICATIONS_PERCENT: Final = 50
"""Percentage of the limits of all deliveries, and beside those of calls, for verifications: many
stolen tokens leave the rest to people who sign in."""
NOTICES_PERCENT: Final = 5
"""Percentage of the limits of all deliveries, beside them, for notices."""
RECOGNIZED_DELIVERIES: Final = SlidingWindow(4, timedelta(days=1))
"""Per phone: deliveries to recognized clients."""

MAX_SUBJECT_LENGTH: Final = 150
"""Characters of a subject: up to 600 bytes of UTF-8."""
MAX_LIMIT_RECORD_ID_LENGTH: Final = 200
"""Characters of `RateLimit.record_id`, as of the id of any record."""
MAX_WINDOW_NAME_LENGTH: Final = 64

UNVERIFIED: Final = "unverified"
"""Deliveries without a login. Each kind of clients has windows of its own."""
ALL: Final = "all"
ALL_DAY: Final = "all_day"
"""All deliveries of an hour and of a day: the end of the bill. These are everybody's."""
BY_CALL: Final = "by_call"
"""Calls that clients request. Each kind of clients has windows of its own."""
OTHERS: Final = "others"
"""The windows of attempts of others."""
NOTICES: Final = "notices"
NOTICES_DAY: Final = "notices_day"
"""Messages without a code of an hour and of a day. These are everybody's."""
_PHONE_CHANGE: Final = "phone_change"
_KEPT_AFTER_LOGIN: Final = (ALL, BY_CALL, _PHONE_CHANGE)
_KEPT_FOR_RECIPIENT: Final = frozenset({"ip", "network", "range"})
"""The subjects whose permits are kept if the provider rejects the recipient."""
_COUNTRY: Final = "country:"
_TOTAL: Final = "total"


class LimitPurpose(StrEnum):
    """What a limit is for. The values are in stored ids."""

    DELIVERIES = "deliveries"
    ATTEMPTS = "attempts"
    CALLS = "calls"
    READS = "reads"
    ACTS = "acts"
    NOTICES = "notices"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A sliding window of a subject, for a purpose.

    Attributes:
        subject: `ip:<hash>`, `network:<hash>`, `range:<hash>`, `phone:<key>`, `country:DE`,
            `total`, `token:<id>`, `identity:<id>` or `session:<id>`.
        name: Distinguishes the windows of one subject and purpose: lower-case words, with `_` and
            `:` between them, and at most `MAX_WINDOW_NAME_LENGTH` characters.
    """

    subject: str
    purpose: LimitPurpose
    name: str
    window: SlidingWindow

    @property
    def record_id(self) -> str:
        return f"{self.subject}:{self.purpose}"

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
class DeliveryRoute:
    """Where a delivery comes from and goes to: what the limits that phones share depend on.

    `number_range` is the hash of the phone without its last four digits. `phone_key` identifies
    the phone and does not reveal it. `bound_to` is what the code is bound to, and
    `session_id` the session that requested it, if it is known.
    """

    client_ip: HashedClientIp
    country: str
    number_range: str
    phone_key: str
    is_call: bool = False
    bound_to: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of an operator for deliveries and verifications (OWASP ASVS 5.0 6.6.3).

    - A delivery acquires a permit of each limit that `of_delivery` returns, or none.
    - `per_ip` and `verifications_per_ip` count an IPv6 network of /64 as one IP, and allow three
      times as much for its /48.
    - `per_country` and `total` limit the cost of a flood of messages. They count deliveries without
      a login: recognized clients have 40 %, strangers 60 %. With `has_attested_limits` strangers
      have 45 %, and requests with a proof 15 %.
    - `all_deliveries_factor` times as much is the limit of all deliveries, which a login does not
      release. It also has the windows of a day, if there are any.
    - `calls_per_country` limits the calls among them, divided in the same way. A login does not
      release it: fraudsters who earn by calls can log in too.
    - Notices have limits of their own, of 5 % of those of all deliveries: codes and notices do
      not use up each other's limits.
    - One number range, and one network (IPv6 /48, IPv4 /24), can use up 5 % of what each
      kind of clients has of a country, of its calls, and of all its deliveries.
    - Verifications have limits of their own: of each token, of an IP that it names, and half of
      those of all deliveries. A right code releases that of the IP only.
    - Of recognized clients a phone has four deliveries without a login a day, and their IP does not
      count: others may have used it up. Further ones count as those of a stranger.
    - `others_per_country` and `others_total` limit how many wrong codes are looked at without an id
      from IPs that neither requested the code nor signed in before. While one is used up, only such
      attempts are rejected.
    """

    per_ip: SlidingWindow = SlidingWindow(60, timedelta(hours=1))
    # Without a default, the first flood of messages would be a large bill before anybody sets one.
    per_country: SlidingWindow = SlidingWindow(1_000, timedelta(hours=1))
    per_country_and_day: SlidingWindow | None = SlidingWindow(6_000, timedelta(days=1))
    total: SlidingWindow = SlidingWindow(5_000, timedelta(hours=1))
    total_of_day: SlidingWindow | None = SlidingWindow(30_000, timedelta(days=1))
    all_deliveries_factor: int = 10
    calls_per_country: SlidingWindow = SlidingWindow(200, timedelta(hours=1))
    verifications_per_ip: SlidingWindow = SlidingWindow(
        VERIFICATIONS_PER_DELIVERY * 60, timedelta(hours=1)
    )
    others_per_country: SlidingWindow = OTHERS_PER_COUNTRY
    others_total: SlidingWindow = OTHERS_TOTAL
    per_token: SlidingWindow = SlidingWindow(300, timedelta(hours=1))
    has_attested_limits: bool = False

    def of_delivery(self, route: DeliveryRoute, clients: Clients) -> tuple[RateLimit, ...]:
        """Return the limits of a delivery of these clients, the narrower ones of a kind first."""
        if clients is Clients.FIXED_CODE:
            return self.for_ip(route.client_ip)
        if clients is Clients.VERIFICATION:
            return self._of_verification(route)
        is_recognized = clients is Clients.RECOGNIZED
        limits = _for_phone_change(route)
        limits += [_limit_of_phone(route)] if is_recognized else self.for_ip(route.client_ip)
        for name, of_country, of_total in self._windows(clients, is_call=route.is_call):
            limits += _limit_by_subject(name, route, of_country, of_total)
        return tuple(limits)

    def to_release(
        self, route: DeliveryRoute, clients: Clients, outcome: Outcome
    ) -> tuple[RateLimit, ...]:
        """Return those limits of a delivery whose permits are released.

        - After a login, all but those of all deliveries, of calls and of an identity.
        - If the provider rejected the recipient, all but those of IP, network and range: numbers
          that a provider rejects are not free.
        - If it rejected us, or there was no connection: all.
        """
        limits = self.of_delivery(route, clients)
        match outcome:
            case Outcome.LOGIN:
                return tuple([one for one in limits if not one.name.startswith(_KEPT_AFTER_LOGIN)])
            case Outcome.REJECTED_FOR_RECIPIENT:
                return tuple([one for one in limits if one.subject_kind not in _KEPT_FOR_RECIPIENT])
            case _:
                return limits

    def for_ip(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        return _limits_by_ip(LimitPurpose.DELIVERIES, client_ip, self.per_ip)

    def for_proof(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        return _limits_by_ip(LimitPurpose.DELIVERIES, client_ip, self.per_ip, "proofs")

    def for_verification(self, client_ip: HashedClientIp) -> tuple[RateLimit, ...]:
        return _limits_by_ip(LimitPurpose.ATTEMPTS, client_ip, self.verifications_per_ip)

    def for_others(self, country: str) -> tuple[RateLimit, RateLimit]:
        """Return the limits of an attempt of others at a phone of the country."""
        purpose, name = LimitPurpose.ATTEMPTS, OTHERS
        return (
            RateLimit(f"{_COUNTRY}{country}", purpose, name, self.others_per_country),
            RateLimit(_TOTAL, purpose, name, self.others_total),
        )

    def for_notice(self, country: str) -> tuple[RateLimit, ...]:
        """Return the limits of a message without a code that phones of the country share."""
        purpose, names, percent = LimitPurpose.NOTICES, (NOTICES, NOTICES_DAY), NOTICES_PERCENT
        return tuple(
            RateLimit(subject, purpose, name, window)
            for name, *windows in self._windows_of_all(names, percent)
            for subject, window in zip((f"{_COUNTRY}{country}", _TOTAL), windows, strict=True)
            if window is not None
        )

    def shared_limits(self, countries: Collection[str]) -> Sequence[RateLimit]:
        """Return the limits that all phones of each of these countries share, or all phones."""
        all_clients = [Clients.RECOGNIZED, Clients.STRANGERS, Clients.VERIFICATION]
        all_clients += [Clients.ATTESTED] if self.has_attested_limits else []
        limits: list[RateLimit] = []
        # There is always a route, so that the limits in total are there without a country, too.
        for country in countries or [""]:
            route = DeliveryRoute(HashedClientIp("", ""), country, "", "", is_call=True)
            for clients in all_clients:
                limits += self.of_delivery(route, clients)
            limits += [*self.for_others(country), *self.for_notice(country)]
        shared = {limit: None for limit in limits if limit.is_shared}
        return sorted(shared, key=lambda limit: limit.country)

    def _of_verification(self, route: DeliveryRoute) -> tuple[RateLimit, ...]:
        purpose, clients = LimitPurpose.DELIVERIES, Clients.VERIFICATION
        name, percent = f"{ALL}:{clients}", VERIFICATIONS_PERCENT
        of_range = SlidingWindow(_limit_of_network(self.per_token.limit), self.per_token.period)
        limits = [
            *self.for_ip(route.client_ip),
            RateLimit(f"range:{route.number_range}:{route.bound_to}", purpose, name, of_range),
            RateLimit(f"token:{route.bound_to}", purpose, name, self.per_token),
        ]
        windows = [*self._windows_of_all((name, f"{ALL_DAY}:{clients}"), percent)]
        if route.is_call:
            calls = self.calls_per_country.scale_percent(percent)
            windows.append((f"{BY_CALL}:{clients}", calls, None))
        for window in windows:
            limits += _limit_by_subject(window[0], route, *window[1:])
        for window in self._windows_of_all((ALL, ALL_DAY)):
            # People of this network and range keep their own shares.
            shared = _limit_by_subject(window[0], route, *window[1:])
            limits += [limit for limit in shared if limit.is_shared]
        return tuple(limits)

    def _windows(
        self, clients: Clients, *, is_call: bool
    ) -> Iterator[tuple[str, SlidingWindow | None, SlidingWindow | None]]:
        yield (
            f"{UNVERIFIED}:{clients}",
            self._divide(self.per_country, clients),
            self._divide(self.total, clients),
        )
        yield from self._windows_of_all((ALL, ALL_DAY))
        if is_call:
            yield f"{BY_CALL}:{clients}", self._divide(self.calls_per_country, clients), None

    def _windows_of_all(
        self, names: tuple[str, str], percent: int = 100
    ) -> Iterator[tuple[str, SlidingWindow | None, SlidingWindow | None]]:
        """Return `percent` of the windows of all deliveries: those of an hour, and of a day."""
        percent, (name, name_of_day) = percent * self.all_deliveries_factor, names
        yield name, self.per_country.scale_percent(percent), self.total.scale_percent(percent)
        of_country, of_total = self.per_country_and_day, self.total_of_day
        yield (
            name_of_day,
            of_country and of_country.scale_percent(percent),
            of_total and of_total.scale_percent(percent),
        )

    def _divide(self, window: SlidingWindow, clients: Clients) -> SlidingWindow:
        """Return what these clients have of a window. Strangers have what the others leave."""
        of_others = [RECOGNIZED_PERCENT, *([ATTESTED_PERCENT] if self.has_attested_limits else [])]
        if clients is Clients.STRANGERS:
            left = window.limit - sum(window.limit * percent // 100 for percent in of_others)
            return SlidingWindow(left, window.period)
        is_attested = clients is Clients.ATTESTED
        return window.scale_percent(ATTESTED_PERCENT if is_attested else RECOGNIZED_PERCENT)


def _limit_by_subject(
    name: str,
    route: DeliveryRoute,
    of_country: SlidingWindow | None,
    of_total: SlidingWindow | None,
) -> list[RateLimit]:
    """Return these limits, and those of one number range and one network in them."""
    windows = [window for window in (of_country, of_total) if window]
    if not windows:
        return []
    # Part of the smaller limit, so that it is not more of the other.
    smaller = min(window.limit for window in windows)
    of_network = SlidingWindow(_limit_of_network(smaller), windows[0].period)
    by_subject = {
        f"range:{route.number_range}": of_network,
        f"network:{route.client_ip.network}": of_network,
        f"{_COUNTRY}{route.country}": of_country,
        _TOTAL: of_total,
    }
    return [
        RateLimit(subject, LimitPurpose.DELIVERIES, name, window)
        for subject, window in by_subject.items()
        if window
    ]


def _for_phone_change(route: DeliveryRoute) -> list[RateLimit]:
    counted = (
        ("identity", route.bound_to, PHONE_CHANGE_DELIVERIES),
        ("session", route.session_id, PHONE_CHANGE_DELIVERIES_OF_SESSION),
    )
    return [
        RateLimit(f"{kind}:{counted_id}", LimitPurpose.DELIVERIES, _PHONE_CHANGE, window)
        for kind, counted_id, window in counted
        if counted_id is not None
    ]


def _limit_of_phone(route: DeliveryRoute) -> RateLimit:
    subject = f"phone:{route.phone_key}"
    return RateLimit(
        subject, LimitPurpose.DELIVERIES, Clients.RECOGNIZED.value, RECOGNIZED_DELIVERIES
    )


def _limit_of_network(limit: int) -> int:
    """Return how much of a limit one network or number range can use up, rounded up."""
    percent = min(max(limit * NETWORK_PERCENT, MIN_NETWORK_LIMIT * 100), limit * 100 // 2)
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
    "session": "per_session",
}
_COUNTED: Final = {BY_CALL: "calls", OTHERS: "attempts_of_others"}
"""What limits per country and in total count, where the name of the window does not say it."""


class LimitName(NamedTuple):
    """The name of a limit, and whose it is. Neither says who is counted.

    Attributes:
        limit: `per_ip`, `per_network`, `per_number_range`, `per_phone`, `per_token`,
            `per_identity`, `per_session`, or what is counted `per_country` or in `total`, such as
            `unverified_per_country` or `all_total`.
        clients: One of `Clients`; empty if it is everybody's.
    """

    limit: str
    clients: str


NO_LIMIT: Final = LimitName("", "")
"""The name of a limit that is not known."""


def name_limit(limit: RateLimit) -> LimitName:
    """Return the name of a limit. It is stable, because alerts depend on it."""
    subject = limit.subject_kind
    counted, _, clients = limit.name.partition(":")
    if subject in _BY_SUBJECT:
        return LimitName(_BY_SUBJECT[subject], clients)
    scope = "per_country" if limit.country else subject
    return LimitName(f"{_COUNTED.get(counted, counted)}_{scope}", clients)
