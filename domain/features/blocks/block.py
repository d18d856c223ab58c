"""A block: what gets no codes for a time, because an operator says so."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from domain.administration.audit import Actor
from domain.identifier import require_identifier
from domain.phone import PhoneNumber

MIN_DURATION: Final = timedelta(minutes=1)
MAX_DURATION: Final = timedelta(days=400)
MAX_DURATION_OF_TOKEN: Final = timedelta(hours=24)
"""Of a block that a service token adds: a person can look at it within a day."""


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
