"""Blocks of number prefixes, networks and countries."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_interface, ip_network
from typing import Final

from domain.administration.audit import Actor
from domain.countries import (
    begins_with_country_code,
    begins_with_trunk_prefix,
    parse_country,
    shortest_mobile_length,
)
from domain.errors import ConflictingValue, DomainError, InvalidValue
from domain.identifier import require_identifier
from domain.phone import PhoneNumber


class BlockNotFound(DomainError):
    """No block with this id is active."""


class TooManyBlocks(DomainError):
    """As many blocks are active as may be."""


MIN_DURATION: Final = timedelta(minutes=1)
MAX_DURATION: Final = timedelta(days=400)
MAX_DURATION_OF_TOKEN: Final = timedelta(hours=24)
"""Maximum for a service token's block: a person can look at it within a day."""


class SubjectKind(StrEnum):
    """What a block is about. The values are stored."""

    PREFIX = "prefix"
    NETWORK = "network"
    COUNTRY = "country"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a block blocks: `+4479`, `203.0.113.0/24` or `GB`."""

    kind: SubjectKind
    text: str

    def covers(self, phone: PhoneNumber) -> bool:
        if self.kind is SubjectKind.PREFIX:
            return phone.e164.startswith(self.text)
        return self.kind is SubjectKind.COUNTRY and phone.country == self.text

    def covers_client(self, client_ip: str) -> bool:
        """Return whether it is about a client: an IPv4 address, or the /64 of an IPv6 address."""
        if self.kind is not SubjectKind.NETWORK:
            return False
        client, network = _find_network(client_ip), ip_network(self.text)
        if isinstance(client, IPv4Network) and isinstance(network, IPv4Network):
            return client.subnet_of(network)
        if isinstance(client, IPv6Network) and isinstance(network, IPv6Network):
            return client.subnet_of(network)
        return False

    def __str__(self) -> str:
        """Return it in words, such as `prefix +4479`."""
        return f"{self.kind} {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block that an operator added. It holds until `ends_at`, or until an operator ends it."""

    id: str
    subject: Subject
    reason: str
    created_at: datetime
    created_by: Actor
    ends_at: datetime

    def __post_init__(self) -> None:
        require_identifier(self.id)

    def is_active(self, now: datetime) -> bool:
        return now < self.ends_at


def _find_network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network of a text; None for a client whose IP is not known."""
    try:
        return ip_network(text)
    except ValueError:
        return None


BLOCKS_ID: Final = "blocks"
"""The id of the one record with all blocks, so that their maximum holds."""
MAX_BLOCKS: Final = 50


@dataclass(frozen=True, slots=True)
class BlockList:
    """The blocks of an installation, the oldest first. Those that have ended have no effect."""

    blocks: tuple[Block, ...] = ()
    id: str = BLOCKS_ID

    def active(self, now: datetime) -> Sequence[Block]:
        return [block for block in self.blocks if block.is_active(now)]

    def prune(self, now: datetime) -> "BlockList":
        return replace(self, blocks=tuple(self.active(now)))

    def add(self, block: Block) -> "BlockList":
        """Return the list with one more block.

        Raises:
            ConflictingValue: A block of this subject is active, and ends no earlier.
            TooManyBlocks
        """
        blocks = self.active(block.created_at)
        if any(each.subject == block.subject and each.ends_at >= block.ends_at for each in blocks):
            raise ConflictingValue("This block is active already.")
        if len(blocks) >= MAX_BLOCKS:
            raise TooManyBlocks(
                f"{MAX_BLOCKS} blocks are active, and there may be no more: end one first."
            )
        return replace(self, blocks=(*blocks, block))

    def end(self, block_id: str, now: datetime) -> "BlockList":
        ended = self.find(block_id, now)
        return replace(self, blocks=tuple(each for each in self.active(now) if each != ended))

    def find(self, block_id: str, now: datetime) -> Block:
        """Return a block that is active.

        Raises:
            BlockNotFound
        """
        for block in self.active(now):
            if block.id == block_id:
                return block
        raise BlockNotFound

    def about_phone(self, phone: PhoneNumber, now: datetime) -> Sequence[Block]:
        return [block for block in self.active(now) if block.subject.covers(phone)]

    def find_block(self, phone: PhoneNumber, now: datetime) -> Block | None:
        """Return the block of a phone; of several the one that ends last."""
        return _last(self.about_phone(phone, now))

    def find_block_of_client(self, client_ip: str, now: datetime) -> Block | None:
        """Return the block of a client's network; of several the one that ends last.

        `client_ip` is an IPv4 address, or the /64 of an IPv6 address.
        """
        return _last(each for each in self.active(now) if each.subject.covers_client(client_ip))


def _last(blocks: Iterable[Block]) -> Block | None:
    return max(blocks, key=lambda block: block.ends_at, default=None)


OPEN_DIGITS: Final = 4
"""Minimum digits after a prefix, so that it is not the number of a person."""
MIN_IPV4_PREFIX: Final = 8
MIN_IPV6_PREFIX: Final = 16
"""The largest networks that a block has: larger ones are half of the Internet."""
MAX_IPV6_PREFIX: Final = 64
"""A client with IPv6 is known by its /64."""
TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})$"
)
_WITH_IPV4: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv4 addresses as IPv6 has them, and behind NAT64: such a client is known by its IPv4 address."""
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
    if any(interface.ip in with_ipv4 for with_ipv4 in _WITH_IPV4):
        if network.prefixlen < 96:
            raise InvalidValue("Write this network as one of IPv4, like 203.0.113.0/24.")
        ipv4 = IPv4Address(int(interface.ip) & 0xFFFFFFFF)
        return parse_network(f"{ipv4}/{network.prefixlen - 96}")
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
