"""A rule: a temporary order of an operator."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from domain.administration.audit import Actor
from domain.identifier import require_identifier
from domain.phone import PhoneNumber
from domain.rules.changeable_limits import SubjectKind

MIN_DURATION: Final = timedelta(minutes=1)
MAX_DURATION: Final = timedelta(days=30)
"""What has to hold for longer is a setting."""


class RuleKind(StrEnum):
    """What a rule does. The values are stored."""

    BLOCK = "block"
    LOWER = "lower"
    RAISE = "raise"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOrder:
    """What a rule says.

    Attributes:
        kind: What it does.
        subject_kind: What it is about.
        subject: `+4479`, `203.0.113.0/24`, `GB`; empty in total.
        limit: The limit that it changes; empty if it blocks.
        value: How many permits the limit has, in its period; None if it blocks.
    """

    kind: RuleKind
    subject_kind: SubjectKind
    subject: str = ""
    limit: str = ""
    value: int | None = None

    def covers(self, phone: PhoneNumber) -> bool:
        """Return whether it is about a phone."""
        match self.subject_kind:
            case SubjectKind.PREFIX:
                return phone.e164.startswith(self.subject)
            case SubjectKind.COUNTRY:
                return phone.country == self.subject
            case SubjectKind.NETWORK:
                return False
            case SubjectKind.TOTAL:
                return True

    def covers_client(self, client_ip: str) -> bool:
        """Return whether it is about a client: an IPv4 address, or the /64 of an IPv6 address."""
        if self.subject_kind is not SubjectKind.NETWORK:
            return False
        client, network = _find_network(client_ip), _find_network(self.subject)
        if isinstance(client, IPv4Network) and isinstance(network, IPv4Network):
            return client.subnet_of(network)
        if isinstance(client, IPv6Network) and isinstance(network, IPv6Network):
            return client.subnet_of(network)
        return False

    def __str__(self) -> str:
        """Return it in words, such as `block prefix +4479`."""
        subject = f"{self.subject_kind} {self.subject}".rstrip()
        if self.kind is RuleKind.BLOCK:
            return f"block {subject}"
        return f"{self.kind} {self.limit} to {self.value}, {subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that an operator added. It holds until its end, or until an operator ends it.

    Attributes:
        id: Its id.
        order: What it says.
        reason: Why, as `parse_reason` returns it.
        created_at: When it was added.
        created_by: Who added it.
        ends_at: From when on it has no effect.
    """

    id: str
    order: RuleOrder
    reason: str
    created_at: datetime
    created_by: Actor
    ends_at: datetime

    def __post_init__(self) -> None:
        require_identifier(self.id)

    def is_active(self, now: datetime) -> bool:
        """Return whether it has not ended."""
        return now < self.ends_at


def _find_network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network of a text; None for a client whose IP is not known."""
    try:
        return ip_network(text)
    except ValueError:
        return None
