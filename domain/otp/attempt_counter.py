"""Counters of attempts: each client has one at each code."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

REPEAT_PERIOD: Final = timedelta(seconds=10)
"""An app submits a code when it is typed, and again on "done"."""


class ClientKind(StrEnum):
    """How the client of an attempt is told from others: the first of these that applies."""

    DEVICE = "device"
    """It is a recognized device."""
    REQUEST = "request"
    """It sends the id of a request for the code."""
    KNOWN_IP = "known_ip"
    """It sends no id, from an IP that is recognized."""
    NETWORK = "network"
    """It sends no id, from a network that requested the code."""
    OTHERS = "others"
    """It sends no id, from anywhere else. All of these are one client."""


@dataclass(frozen=True, slots=True)
class Client:
    """Whom an attempt counts on.

    `id` is that of a device or a request, or the hash of an IP or a network; empty for others.
    """

    kind: ClientKind
    id: str = ""


OTHERS: Final = Client(ClientKind.OTHERS)


@dataclass(frozen=True, slots=True)
class AttemptCounter:
    """The failed attempts of a client at a code. `last_digest` identifies what it tried last."""

    kind: ClientKind
    id: str
    used: int
    last_digest: str
    last_failed_at: datetime

    @property
    def client(self) -> Client:
        return Client(self.kind, self.id)

    def is_repeat(self, digest: str, now: datetime) -> bool:
        """Return whether it counted the same code less than ten seconds ago, and none since."""
        is_same = hmac.compare_digest(self.last_digest, digest)
        return is_same and now - self.last_failed_at < REPEAT_PERIOD
