"""What happened in a month: each message, and how each sign-in of a customer ended."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.otp.delivery import Channel
from domain.phone import PhoneNumber

HONEST: Final = "customers"
"""Who caused a message, if no attacker did."""


class Client(StrEnum):
    """How a client shows who it is, as far as it can say."""

    RECOGNIZED = "recognized"
    """It has a device token, or signed in from this IP before."""
    PROVEN = "new, with a proof"
    """It sends a proof where one is asked for."""
    UNPROVEN = "new, without a proof"


class Ending(StrEnum):
    """How a customer's sign-in ended."""

    ENTERED = "entered"
    NOT_ENTERED = "not entered"
    """The code arrived, and nobody entered it."""
    LOST = "lost"
    """No code arrived in time, at any attempt."""
    REJECTED = "rejected"
    """A limit, a warning or a budget rejected a request, and no code arrived."""
    FAILED = "failed"
    """No provider took the message, or the right code was rejected."""


@dataclass(slots=True, kw_only=True)
class Sent:
    """A message that a provider took.

    Attributes:
        at: When.
        arrives_at: When the phone has it; None if it never has.
        by: `HONEST`, or the name of the attacker.
        client: How the client that caused it shows who it is.
        parts: The part that it was acquired in, by the name of the group of limits.
        released_at: When its code was entered, of this message or of another one; None if never.
    """

    at: datetime
    phone: PhoneNumber
    country: str
    channel: Channel
    provider: str
    price: int
    code: str
    arrives_at: datetime | None
    by: str
    client: Client
    parts: dict[str, str] = field(default_factory=dict)
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A sign-in of a customer that has ended."""

    begun_at: datetime
    country: str
    client: Client
    ending: Ending
    reason: str = ""


@dataclass(slots=True)
class Ledger:
    """All messages and sign-ins, and the requests of attackers by their results."""

    sent: list[Sent] = field(default_factory=list)
    sign_ins: list[SignIn] = field(default_factory=list)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    alerts: list[tuple[datetime, str]] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)

    def sent_between(self, since: datetime, until: datetime) -> Iterator[Sent]:
        """Yield the messages of a period."""
        return (message for message in self.sent if since <= message.at < until)

    def sign_ins_between(self, since: datetime, until: datetime) -> Iterator[SignIn]:
        """Yield the sign-ins that began in a period."""
        return (sign_in for sign_in in self.sign_ins if since <= sign_in.begun_at < until)
