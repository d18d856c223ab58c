"""Parse what a rule is to say, as operators write it."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Interface, IPv6Network, ip_interface
from typing import Final

from domain.countries import (
    ALL_COUNTRIES,
    begins_with_country_code,
    begins_with_trunk_prefix,
    is_whole_number,
    parse_country,
)
from domain.errors import ConflictingValue, InvalidValue, UnsupportedValue
from domain.otp.sliding_window import SlidingWindow
from domain.rules.changeable_limits import CHANGEABLE_LIMITS, MAX_RAISE, SubjectKind
from domain.rules.rule import MAX_DURATION, MIN_DURATION, RuleKind, RuleOrder

BLOCK: Final = "block"
LIMIT: Final = "limit"
"""What a rule may be: an order to block, or one to lower or raise a limit."""
MAX_PREFIX_DIGITS: Final = 11
"""A number has at most 15 digits, of which a prefix leaves out four: it is nobody's number."""
MIN_IPV4_PREFIX: Final = 8
MIN_IPV6_PREFIX: Final = 16
"""The largest networks that a rule blocks: larger ones are half of the Internet."""
MAX_IPV6_PREFIX: Final = 64
"""A client with IPv6 is known by its /64."""
TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})$"
)
_PREFIX: Final = re.compile(r"\+[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What rules are compared with.

    Attributes:
        windows: The limits without rules, by their names.
        countries: The countries that get codes; None for all.
    """

    windows: Mapping[str, SlidingWindow]
    countries: Collection[str] | None


def parse_prefix(text: str) -> str:
    """Parse how phone numbers begin: `+`, the country code, and further digits.

    Raises:
        InvalidValue
    """
    prefix = re.sub(r"[\s()./-]", "", text)
    if not prefix.isascii() or not _PREFIX.match(prefix):
        raise InvalidValue("Write a prefix with + and the country code, like +4479.")
    digits = prefix[1:]
    if not begins_with_country_code(digits):
        raise InvalidValue(f"No country has numbers that begin with {prefix[:5]}.")
    if begins_with_trunk_prefix(digits):
        raise InvalidValue(
            "No number begins so: leave out the 0 that is dialled within the country only."
        )
    if len(digits) > MAX_PREFIX_DIGITS or is_whole_number(prefix):
        raise InvalidValue(
            "A prefix leaves out at least the last four digits of a number. One number is blocked"
            " by: dialtone user block."
        )
    return prefix


def parse_network(text: str) -> str:
    """Parse a network: an IPv4 or IPv6 address, or one with a prefix length (CIDR).

    Raises:
        InvalidValue
    """
    try:
        interface = ip_interface(text.strip())
    except ValueError:
        raise InvalidValue(
            "Write a network like 203.0.113.0/24 or 2001:db8::/48, or one IP."
        ) from None
    network = interface.network
    if isinstance(interface, IPv6Interface) and (mapped := interface.ip.ipv4_mapped):
        if network.prefixlen < 96:
            raise InvalidValue("Write this network as one of IPv4, like 203.0.113.0/24.")
        return parse_network(f"{mapped}/{network.prefixlen - 96}")
    if "/" not in text and isinstance(network, IPv6Network):
        return str(network.supernet(new_prefix=MAX_IPV6_PREFIX))
    if interface.ip != network.network_address:
        raise InvalidValue(f"This IP is not the first of its network. Did you mean {network}?")
    minimum = MIN_IPV4_PREFIX if isinstance(network, IPv4Network) else MIN_IPV6_PREFIX
    if network.prefixlen < minimum:
        raise InvalidValue(f"This network is too large: write /{minimum} or a smaller one.")
    if isinstance(network, IPv6Network) and network.prefixlen > MAX_IPV6_PREFIX:
        larger = network.supernet(new_prefix=MAX_IPV6_PREFIX)
        raise InvalidValue(f"A client with IPv6 is known by its /64. Write {larger}.")
    return str(network)


def parse_value(text: str) -> int:
    """Parse how many permits a limit gets.

    Raises:
        InvalidValue
    """
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidValue(
            "Write a whole number, like 50. The period of the limit stays that of its setting."
        )
    return int(text)


def parse_time(text: str) -> datetime:
    """Parse a time with its offset from UTC, like 2026-05-01T09:30Z (RFC 3339).

    Raises:
        InvalidValue
    """
    try:
        if re.fullmatch(TIME_PATTERN, text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # there is no such day or hour
    raise InvalidValue("Write a time with its offset from UTC, like 2026-05-01T09:30Z.")


def parse_end(now: datetime, ends_at: datetime) -> datetime:
    """Parse when a rule ends.

    Raises:
        InvalidValue: It is over already, or too far away.
    """
    if not MIN_DURATION <= ends_at - now <= MAX_DURATION:
        raise InvalidValue(
            "A rule holds for a minute at least, and for 30 days at most. What has to hold for"
            " longer is a setting."
        )
    return ends_at.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderText:
    """What an operator sends: of subjects exactly one, or none for a limit in total.

    `kind` is `block`, or `limit` to lower or raise one. A block has neither `limit` nor `value`.
    """

    kind: str
    prefix: str | None = None
    network: str | None = None
    country: str | None = None
    limit: str | None = None
    value: int | None = None

    @property
    def subjects(self) -> Mapping[str, str]:
        """The subjects that are sent, by their names."""
        named = {"prefix": self.prefix, "network": self.network, "country": self.country}
        return {name: text for name, text in named.items() if text is not None}


class InvalidOrder(Exception):
    """What an operator sends is not valid.

    Attributes:
        field: What is wrong, by the name of `OrderText`.
        error: Why; None if it is missing.
    """

    def __init__(self, field: str, error: InvalidValue | None = None) -> None:
        super().__init__(field)
        self.field = field
        self.error = error


def parse_order(text: OrderText, settings: LimitSettings) -> RuleOrder:
    """Parse what a rule is to say.

    Args:
        text: What an operator sends.
        settings: What the limits are without rules.

    Raises:
        InvalidOrder
    """
    if text.kind == BLOCK:
        return _parse_block(text)
    if text.kind != LIMIT:
        raise InvalidOrder("kind", UnsupportedValue("Send 'block' or 'limit'."))
    if text.limit is None:
        raise InvalidOrder("limit")
    if text.value is None:
        raise InvalidOrder("value")
    with _naming("limit"):
        subject_kind = find_subject_kind(text.limit)
    is_total = subject_kind is SubjectKind.TOTAL
    for name in text.subjects:
        if name != subject_kind:
            needed = "counts all phones" if is_total else f"needs a {subject_kind}"
            raise InvalidOrder(name, ConflictingValue(f"{text.limit} {needed}."))
    subject = "" if is_total else _parse_subject(subject_kind, text)
    with _naming("value"):
        check_value(text.limit, subject, text.value, settings)
    kind = RuleKind.LOWER if text.value < settings.windows[text.limit].limit else RuleKind.RAISE
    return RuleOrder(
        kind=kind, subject_kind=subject_kind, subject=subject, limit=text.limit, value=text.value
    )


def _parse_block(text: OrderText) -> RuleOrder:
    if text.limit is not None:
        with _naming("limit"):
            find_subject_kind(text.limit)
    for name, value in (("limit", text.limit), ("value", text.value)):
        if value is not None:
            raise InvalidOrder(name, ConflictingValue("A block changes no limit."))
    names = [*text.subjects]
    if not names:
        raise InvalidOrder("prefix")
    if len(names) > 1:
        raise InvalidOrder(
            names[1], ConflictingValue("Send only one of prefix, network and country.")
        )
    subject_kind = SubjectKind(names[0])
    return RuleOrder(
        kind=RuleKind.BLOCK, subject_kind=subject_kind, subject=_parse_subject(subject_kind, text)
    )


def find_subject_kind(limit: str) -> SubjectKind:
    """Return what a rule about a limit names.

    Raises:
        UnsupportedValue: No rule changes this limit.
    """
    if limit not in CHANGEABLE_LIMITS:
        known = ", ".join(CHANGEABLE_LIMITS)
        raise UnsupportedValue(f"No rule changes this limit. Rules change: {known}.")
    return CHANGEABLE_LIMITS[limit].subject_kind


def check_value(limit: str, subject: str, value: int, settings: LimitSettings) -> None:
    """Check that a limit may have so many permits.

    Raises:
        ConflictingValue
    """
    setting, changeable = settings.windows[limit].limit, CHANGEABLE_LIMITS[limit]
    if value < 1:
        raise ConflictingValue("A limit is 1 at least. A block lets nothing pass.")
    if value == setting:
        raise ConflictingValue(f"Without a rule, {limit} is {setting} already.")
    if value < setting:
        return
    if not changeable.may_raise:
        raise ConflictingValue(f"No rule raises {limit}, which is {setting}: it can be lowered.")
    if value > MAX_RAISE * setting:
        raise ConflictingValue(
            f"Without a rule, {limit} is {setting}, and a rule raises it to {MAX_RAISE * setting}"
            " at most. More is a setting."
        )
    if subject in ALL_COUNTRIES and not (
        settings.countries is None or subject in settings.countries
    ):
        raise ConflictingValue(
            f"{subject} gets no codes, because DIALTONE_COUNTRIES does not have it: no rule raises"
            " its limits."
        )


def _parse_subject(subject_kind: SubjectKind, text: OrderText) -> str:
    sent = text.subjects.get(subject_kind)
    if sent is None:
        raise InvalidOrder(subject_kind)
    parse = {
        SubjectKind.PREFIX: parse_prefix,
        SubjectKind.NETWORK: parse_network,
        SubjectKind.COUNTRY: parse_country,
    }[subject_kind]
    with _naming(subject_kind):
        return parse(sent.strip())


@contextmanager
def _naming(field: str) -> Iterator[None]:
    try:
        yield
    except InvalidValue as error:
        raise InvalidOrder(field, error) from None
