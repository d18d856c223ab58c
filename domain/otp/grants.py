"""What operators give a phone: codes with attempts of their own, and resets of its limits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.errors import TooManyOtpRequests, TooManyResets
from domain.otp.delivery import (
    ATTEMPTS_OF_LIMITED_DELIVERY,
    ATTEMPTS_PER_DELIVERY,
    ONE_DAY,
    REQUEST_KINDS,
    AttemptCounter,
    CounterKind,
    Delivery,
)
from domain.otp.otp_request import OtpRequest
from domain.otp.sliding_window import SlidingWindow, keep_recent, whole_seconds

MAX_OPERATOR_CODES: Final = SlidingWindow(3, ONE_DAY)
"""How many codes operators send to a phone, all operators together."""
OPERATOR_CODES_LIMIT: Final = "operator_codes"
"""What the log and the statistics call this limit."""
MAX_OPERATOR_CODE_NETWORKS: Final = 3
"""From how many networks, an IPv4 /24 or an IPv6 /48 each, such a code has attempts."""
MAX_RESETS_A_DAY: Final = 2
"""How often operators can reset the limits of one phone."""


@dataclass(frozen=True, slots=True)
class OperatorCode:
    """The attempts of a code that an operator sent. No earlier failure uses them up.

    Nobody gets the id of its delivery. Clients that have any id of this phone have attempts at it,
    and so have networks that requested codes and whose clients send no ids. A network gets a
    counter with its first wrong code: those of correct codes need none.

    Attributes:
        attempt_limit: How many attempts each network has.
        counters: Those of networks, until the code expires.
    """

    request_id: str
    sent_at: datetime
    attempt_limit: int = ATTEMPTS_PER_DELIVERY
    counters: tuple[AttemptCounter, ...] = ()

    def counter_of(self, network: str, reserved_for: str | None = None) -> AttemptCounter | None:
        """Return the counter of a network, a new one before its first attempt.

        It is None if three others have one, or two while one is reserved for another.
        """
        counters = {counter.id: counter for counter in self.counters}
        if network in counters:
            return counters[network]
        others = counters.keys() | ({reserved_for} if reserved_for is not None else set())
        if len(others - {network}) >= MAX_OPERATOR_CODE_NETWORKS:
            return None
        return AttemptCounter(CounterKind.NETWORK, network, self.attempt_limit)

    def set_counter(self, changed: AttemptCounter) -> "OperatorCode":
        others = [counter for counter in self.counters if counter.id != changed.id]
        return replace(self, counters=(*others, changed))


@dataclass(frozen=True, slots=True)
class Grants:
    """What operators gave a phone within a day.

    Attributes:
        has_delivery: The latest reset allows one delivery with all attempts.
    """

    codes: tuple[OperatorCode, ...] = ()
    limit_resets: tuple[datetime, ...] = ()
    has_delivery: bool = False

    @property
    def expiry_times(self) -> list[datetime]:
        times = [code.sent_at + ONE_DAY for code in self.codes]
        return times + [reset_at + ONE_DAY for reset_at in self.limit_resets]

    @property
    def resets_left(self) -> int:
        """How often the limits can be reset today; of pruned ones."""
        return max(0, MAX_RESETS_A_DAY - len(self.limit_resets))

    def codes_left(self, now: datetime) -> int:
        return MAX_OPERATOR_CODES.remaining([code.sent_at for code in self.codes], now)

    def is_of_operator(self, delivery: Delivery) -> bool:
        """Return whether an operator caused a delivery, and no client."""
        return any(code.request_id == delivery.request_id for code in self.codes)

    def has_failed(self, delivery: Delivery, network: str) -> bool:
        """Return whether an operator caused a delivery, and attempts of a network count on it."""
        return any(
            code.request_id == delivery.request_id
            and any(counter.id == network for counter in code.counters)
            for code in self.codes
        )

    def add_code(self, request: OtpRequest) -> "Grants":
        """Return them with the code of a request.

        It has fewer attempts while a limit of failed attempts that many phones share is used up.

        Raises:
            TooManyOtpRequests
        """
        times = [code.sent_at for code in self.codes]
        available_at = MAX_OPERATOR_CODES.next_available(times, request.now)
        if available_at > request.now:
            retry_after = whole_seconds(request.now, available_at)
            raise TooManyOtpRequests(retry_after, OPERATOR_CODES_LIMIT)
        attempts = ATTEMPTS_OF_LIMITED_DELIVERY if request.is_limited else ATTEMPTS_PER_DELIVERY
        code = OperatorCode(request.new_request_id, request.now, attempts)
        return replace(self, codes=(*self.codes, code))

    def reject(self, rejected: Delivery) -> "Grants":
        """Return them after every provider rejected a delivery: what it used is given again.

        A code that was tried stays: otherwise these attempts would not count.
        """
        is_given = self.has_delivery or rejected.is_granted
        request_id = rejected.request_id
        kept = [code for code in self.codes if code.counters or code.request_id != request_id]
        return replace(self, codes=tuple(kept), has_delivery=is_given)

    def add_reset(self, now: datetime) -> "Grants":
        """Return them with a reset of the limits, and a delivery.

        Raises:
            TooManyResets: twice within a day; the error says when to try again.
        """
        if not self.resets_left:
            next_reset_at = self.limit_resets[-MAX_RESETS_A_DAY] + ONE_DAY
            raise TooManyResets(whole_seconds(now, next_reset_at))
        return replace(self, limit_resets=(*self.limit_resets, now), has_delivery=True)

    def forget_attempts(self, kept: Collection[str] = ()) -> "Grants":
        """Return them without the attempts at codes, except those with these request ids."""
        if not any(code.counters for code in self.codes):
            return self
        codes = [
            code if code.request_id in kept else replace(code, counters=()) for code in self.codes
        ]
        return replace(self, codes=tuple(codes))

    def prune(self, now: datetime) -> "Grants":
        if not (self.codes or self.limit_resets or self.has_delivery):
            return self
        codes = tuple([code for code in self.codes if keep_recent([code.sent_at], ONE_DAY, now)])
        resets = keep_recent(self.limit_resets, ONE_DAY, now)
        return Grants(codes, resets, self.has_delivery and bool(resets))


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
    """
    earlier = [delivery.client_ip for delivery in deliveries if delivery.sent_at <= before]
    trusted = [client_ip for client_ip in earlier if client_ip.ip in trusted_ips]
    return next((client_ip.network for client_ip in reversed(trusted or earlier)), None)
