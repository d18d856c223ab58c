"""A code that an operator sends for a user, with attempts of its own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.otp.delivery import (
    ATTEMPTS_OF_LIMITED_DELIVERY,
    ATTEMPTS_PER_DELIVERY,
    ONE_DAY,
    REQUEST_KINDS,
    AttemptCounter,
    CounterKind,
    Delivery,
)
from domain.otp.sliding_window import SlidingWindow

MAX_OPERATOR_CODES: Final = SlidingWindow(3, ONE_DAY)
"""How many codes operators send to a phone, all operators together."""
OPERATOR_CODES_LIMIT: Final = "operator_codes"
"""What the log and the statistics call this limit."""
MAX_OPERATOR_CODE_NETWORKS: Final = 3
"""From how many networks, an IPv4 /24 or an IPv6 /48 each, such a code has attempts."""


@dataclass(frozen=True, slots=True)
class OperatorCode:
    """The attempts of a code that an operator sent. No earlier failure uses them up.

    Nobody gets the id of its delivery. Clients that have any id of this phone have attempts at it,
    and so have networks that requested codes and whose clients send no ids. A network gets a
    counter with its first wrong code: those of correct codes need none.

    Attributes:
        request_id: Names its delivery.
        sent_at: When it was sent.
        attempt_limit: How many attempts each network has.
        counters: Those of networks, until the code expires.
    """

    request_id: str
    sent_at: datetime
    attempt_limit: int = ATTEMPTS_PER_DELIVERY
    counters: tuple[AttemptCounter, ...] = ()

    def counter_of(self, network: str, reserved_for: str | None = None) -> AttemptCounter | None:
        """Return the counter of a network, a new one before its first attempt.

        Args:
            network: The hash of the network.
            reserved_for: The network for which one of the counters is kept, if any.

        Returns:
            None if three others have one, or two while one is kept for another.
        """
        counters = {counter.id: counter for counter in self.counters}
        if network in counters:
            return counters[network]
        others = counters.keys() | ({reserved_for} if reserved_for is not None else set())
        if len(others - {network}) >= MAX_OPERATOR_CODE_NETWORKS:
            return None
        return AttemptCounter(CounterKind.NETWORK, network, self.attempt_limit)

    def set_counter(self, changed: AttemptCounter) -> "OperatorCode":
        """Return the code with this counter in place of the one of the same network."""
        others = [counter for counter in self.counters if counter.id != changed.id]
        return replace(self, counters=(*others, changed))


def make_operator_code(request_id: str, now: datetime, *, is_limited: bool) -> OperatorCode:
    """Make the attempts of a code that an operator sends now.

    They are fewer while a limit of failed attempts that many phones share is used up.
    """
    attempts = ATTEMPTS_OF_LIMITED_DELIVERY if is_limited else ATTEMPTS_PER_DELIVERY
    return OperatorCode(request_id, now, attempts)


def sends_no_ids(deliveries: Sequence[Delivery], network: str) -> bool:
    """Return whether a network requested one of these deliveries, and nobody used an id of them.

    Where clients send ids, whoever sends none is somebody else in that network.
    """
    own = [delivery for delivery in deliveries if delivery.client_ip.network == network]
    return bool(own) and not any(
        counter.kind in REQUEST_KINDS and counter.used
        for delivery in own
        for counter in delivery.counters
    )


def find_reserved_network(
    deliveries: Sequence[Delivery], before: datetime, trusted_ips: Collection[str]
) -> str | None:
    """Return the network for which a counter of an operator's code is kept.

    It is the one that requested the latest delivery before the code, if possible from an IP of an
    earlier login: strangers with networks and ids of their own use up the other counters only.

    Args:
        deliveries: Those that clients requested, in their order.
        before: When the operator's code was sent.
        trusted_ips: The hashes of the IPs of logins.
    """
    earlier = [delivery.client_ip for delivery in deliveries if delivery.sent_at <= before]
    trusted = [client_ip for client_ip in earlier if client_ip.ip in trusted_ips]
    return next((client_ip.network for client_ip in reversed(trusted or earlier)), None)
