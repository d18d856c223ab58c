"""Counters of attempts: each request id, IP and recognized device has its own at a delivery."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

ATTEMPTS_PER_DELIVERY: Final = 5
ATTEMPTS_OF_LIMITED_DELIVERY: Final = 2
"""Of a delivery that is requested while a shared limit of failed attempts is used up."""
ATTEMPTS_AFTER_MAX_FAILURES: Final = 1
REPEAT_PERIOD: Final = timedelta(seconds=10)
"""An app submits a code when it is typed, and again on "done"."""


class CounterKind(StrEnum):
    """Whom a counter belongs to.

    - `FIRST_REQUEST`: the id in the response to the request that caused the delivery.
    - `LATER_REQUEST`: an id that a request within the cooldown got.
    - `DEVICE_REQUEST`: the same, where the request came from a recognized device.
    - `IP`: the IP that requested the delivery, for attempts without an id.
    - `UNKNOWN_IP`: any other IP, for attempts without an id.
    - `DEVICE`: a recognized device.
    - `CALLBACK`: everybody who has no request id, at a callback.
    """

    FIRST_REQUEST = "first_request"
    LATER_REQUEST = "later_request"
    DEVICE_REQUEST = "device_request"
    IP = "ip"
    UNKNOWN_IP = "unknown_ip"
    DEVICE = "device"
    CALLBACK = "callback"


REQUEST_KINDS: Final = frozenset(
    {CounterKind.FIRST_REQUEST, CounterKind.LATER_REQUEST, CounterKind.DEVICE_REQUEST}
)
"""The counters whose id is a request id."""


@dataclass(frozen=True, slots=True)
class AttemptCounter:
    """The attempts of one request id, IP or device at one delivery.

    `last_digest` identifies the code that it counted last. `id` is a request id, the hash of an
    IP or the id of a device.
    """

    kind: CounterKind
    id: str
    limit: int
    used: int = 0
    last_digest: str | None = None
    last_counted_at: datetime | None = None

    @property
    def left(self) -> int:
        """How many attempts are left."""
        return self.limit - self.used

    def is_repeat(self, digest: str, now: datetime) -> bool:
        """Return whether it counted the same code less than ten seconds ago, and none since."""
        if self.last_digest is None or self.last_counted_at is None:
            return False
        is_same = hmac.compare_digest(self.last_digest, digest)
        return is_same and now - self.last_counted_at < REPEAT_PERIOD

    def count(self, digest: str, now: datetime) -> "AttemptCounter":
        """Return the counter with one attempt more."""
        return AttemptCounter(self.kind, self.id, self.limit, self.used + 1, digest, now)

    def reset(self) -> "AttemptCounter":
        """Return the counter after a correct code: no attempt counts."""
        return AttemptCounter(self.kind, self.id, self.limit)
