"""What the model of one phone consists of. All times are seconds."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass
class ModelChallenge:
    """A code and its life."""

    code: str
    expires_at: float
    used_at: float | None = None
    used_with_id: str | None = None


@dataclass
class ModelCounter:
    """The attempts of one client at one delivery, and the latest code that was counted."""

    limit: int
    used: int = 0
    last_code: str | None = None
    last_counted_at: float = -math.inf

    @property
    def left(self) -> int:
        """What is left of the limit."""
        return self.limit - self.used


@dataclass
class ModelDelivery:
    """One message with a code. Ids are the ids of requests that refer to it."""

    request_id: str
    client_ip: str
    sent_at: float
    challenge: ModelChallenge
    limit: int = 5
    device: str | None = None
    uses_own_quota: bool = False
    ids: dict[str, ModelCounter] = field(default_factory=dict)
    later_requests: int = 0
    device_requests: int = 0
    ips: dict[str, ModelCounter] = field(default_factory=dict)
    devices: dict[str, ModelCounter] = field(default_factory=dict)


@dataclass
class ModelCallback:
    """One call with a code, requested by a caller."""

    requested_at: float
    challenge: ModelChallenge
    counter: ModelCounter


@dataclass(frozen=True)
class ModelAttempt:
    """A code and its client."""

    code: str
    client_ip: str
    request_id: str | None = None
    device: str | None = None
    is_limited: bool = False


def count_within(times: Iterable[float], now: float, period: float) -> int:
    """Return how many of the times are less than `period` ago."""
    return sum(now - time < period for time in times)


@cache
def network_of(client_ip: str) -> str:
    """Return the IPv4 /24 or the IPv6 /48."""
    network = ip_network(client_ip)
    return str(network.supernet(new_prefix=48 if network.version == 6 else 24))


def becomes_true_after(condition: Callable[[float], bool], now: float, seconds: int) -> bool:
    """Return whether a condition holds in so many seconds and, in samples, not earlier."""
    earlier = {*range(0, seconds, 1 + seconds // 8), seconds - 1} if seconds > 1 else set()
    return condition(now + seconds) and not any(condition(now + second) for second in earlier)
