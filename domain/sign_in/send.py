"""A message that was sent, the tries that it brought, and how often one may be sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.sign_in.window import Window

TRIES_PER_SEND: Final = 5
SENDS_BEFORE_DOUBLING: Final = 3


@dataclass(frozen=True, slots=True)
class Send:
    """One message with the code of a challenge.

    Written before the message leaves and taken back when no sender would have it, so what
    stands here was accepted, or nobody knows. `request_id` is what the caller may check with;
    `address` is where the ask came from; `reserved` says that it was paid from that address's
    own reserve.
    """

    request_id: str
    challenge_id: str
    address: str
    at: datetime
    reserved: bool = False
    tries_used: int = 0

    @property
    def tries_left(self) -> int:
        """How many answers this send's own allowance still takes."""
        return TRIES_PER_SEND - self.tries_used

    def after_a_try(self) -> "Send":
        """The same with one try fewer."""
        return replace(self, tries_used=self.tries_used + 1)

    def cleared(self) -> "Send":
        """The same after a right answer: no try counts."""
        return replace(self, tries_used=0)


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How often a code may be sent to one phone; sends are those of the last day, in order.

    OWASP ASVS 5.0 6.6.3 asks for such limits. The cool-down runs from the receipt of the ask:
    it is `cool_down` for the first three sends of a day, then doubles with each.
    """

    phone: tuple[Window, ...] = (
        Window(5, timedelta(minutes=15)),
        Window(10, timedelta(days=1)),
    )
    phone_and_address: tuple[Window, ...] = (
        Window(3, timedelta(minutes=15)),
        Window(5, timedelta(days=1)),
    )
    reserve: Window = Window(3, timedelta(hours=1))
    cool_down: timedelta = timedelta(seconds=15)

    def next_ask_at(
        self, sends: Sequence[Send], address: str, now: datetime, *, has_reserve: bool
    ) -> datetime:
        """When `address` may have the next message sent: `now`, or later."""
        free = self._shared_at(sends, address, now)
        if has_reserve:
            free = min(free, self._reserve_at(sends, address, now))
        rest = self.rest(sends, address, has_reserve=has_reserve)
        waited_on = _of(sends, address) if has_reserve else sends
        ends = [free]
        ends += [send.at + self.cool_down for send in sends[-1:]]
        ends += [send.at + rest for send in waited_on[-1:]]
        return max(ends)

    def rest(self, sends: Sequence[Send], address: str, *, has_reserve: bool) -> timedelta:
        """How long the cool-down is by now, after the sends of the last day.

        An address that has a reserve of its own is spared the doubling that others caused.
        """
        counted = len(_of(sends, address) if has_reserve else sends)
        doublings = max(0, counted - SENDS_BEFORE_DOUBLING)
        return self.cool_down * (1 << doublings)

    def draws_on_reserve(self, sends: Sequence[Send], address: str, now: datetime) -> bool:
        """Whether a send allowed now has to be paid from the address's own reserve."""
        return self._shared_at(sends, address, now) > now

    def _shared_at(self, sends: Sequence[Send], address: str, now: datetime) -> datetime:
        shared = [send for send in sends if not send.reserved]
        everyones = [send.at for send in shared]
        addresses = [send.at for send in _of(shared, address)]
        return max(
            *(window.free_at(everyones, now) for window in self.phone),
            *(window.free_at(addresses, now) for window in self.phone_and_address),
        )

    def _reserve_at(self, sends: Sequence[Send], address: str, now: datetime) -> datetime:
        paid = [send.at for send in _of(sends, address) if send.reserved]
        return self.reserve.free_at(paid, now)


def _of(sends: Sequence[Send], address: str) -> list[Send]:
    return [send for send in sends if send.address == address]
