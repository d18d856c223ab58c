"""Parse what a block is to block, and until when, as operators write it."""

import re
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Interface, IPv6Network, ip_interface
from typing import Final

from domain.countries import (
    begins_with_country_code,
    begins_with_trunk_prefix,
    parse_country,
    shortest_mobile_length,
)
from domain.errors import InvalidValue
from domain.features.blocks.block import (
    MAX_DURATION,
    MAX_DURATION_OF_TOKEN,
    MIN_DURATION,
    Subject,
    SubjectKind,
)

OPEN_DIGITS: Final = 4
"""How many digits of a number a prefix leaves open at least: it is nobody's number."""
MIN_IPV4_PREFIX: Final = 8
MIN_IPV6_PREFIX: Final = 16
"""The largest networks that a block has: larger ones are half of the Internet."""
MAX_IPV6_PREFIX: Final = 64
"""A client with IPv6 is known by its /64."""
TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})$"
)
_NETWORK: Final = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
_PREFIX: Final = re.compile(r"\+[0-9]+\Z")


def parse_subject(kind: SubjectKind, text: str) -> Subject:
    """Parse what a block is to block."""
    parse = {
        SubjectKind.PREFIX: parse_prefix,
        SubjectKind.NETWORK: parse_network,
        SubjectKind.COUNTRY: parse_country,
    }[kind]
    return Subject(kind, parse(text.strip()))


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
    most = shortest_mobile_length(digits) - OPEN_DIGITS
    if len(digits) > most:
        raise InvalidValue(
            f"Here a prefix has at most {most} digits, so that the last four of each mobile number"
            " are open. To keep out one number, block its user."
        )
    return prefix


def parse_network(text: str) -> str:
    """Parse a network: an IPv4 or IPv6 address, or one with a prefix length (CIDR).

    Raises:
        InvalidValue
    """
    try:
        if not _NETWORK.fullmatch(text):
            raise ValueError
        interface = ip_interface(text)
    except ValueError:
        raise InvalidValue(
            "Write a network like 203.0.113.0/24 or 2001:db8::/48, or one IP, without a mask such "
            "as /255.255.255.0 and without a zone such as %eth0."
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


def parse_end(now: datetime, ends_at: datetime, *, is_by_token: bool) -> datetime:
    """Check when a block ends, and return it in UTC.

    Raises:
        InvalidValue: It is over already, or too far away.
    """
    if not MIN_DURATION <= ends_at - now <= MAX_DURATION:
        raise InvalidValue(
            f"A block holds for a minute at least, and for {MAX_DURATION.days} days at most."
        )
    if is_by_token and ends_at - now > MAX_DURATION_OF_TOKEN:
        raise InvalidValue("A service token blocks for 24 hours at most.")
    return ends_at.astimezone(UTC)
