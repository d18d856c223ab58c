"""How often a code may be tried for one phone by somebody who names no request."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.sign_in.window import CLOCK_SKEW, Window

PER_ADDRESS: Final = Window(5, timedelta(hours=1))
POOL: Final = (Window(15, timedelta(hours=1)), Window(30, timedelta(days=1)))
_LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AddressTry:
    """One try that an address made without naming a request."""

    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UnboundTries:
    """The tries that named no request: of each address, and of the pool that strangers share.

    NIST SP 800-63B-4 allows 100 failures in a row; the pool and the sends of a day stay below
    that together, for whoever is at no address that the phone has signed in from. The pool
    refuses strangers only, so emptying it locks nobody's app out.
    """

    of_addresses: tuple[AddressTry, ...] = ()
    of_pool: tuple[datetime, ...] = ()

    def left_for(self, address: str, now: datetime) -> int:
        """How many tries the address has left of its own."""
        return PER_ADDRESS.remaining(self._times(address), now)

    def left_in_pool(self, now: datetime) -> int:
        """How many tries strangers have left together."""
        return min(window.remaining(self.of_pool, now) for window in POOL)

    def address_free_at(self, address: str, now: datetime) -> datetime:
        """When the address has a try of its own again."""
        return PER_ADDRESS.free_at(self._times(address), now)

    def pool_free_at(self, now: datetime) -> datetime:
        """When strangers have a try again."""
        return max(window.free_at(self.of_pool, now) for window in POOL)

    def counted(self, address: str, now: datetime, *, from_pool: bool) -> "UnboundTries":
        """The same with one try more of this address, and of the pool if it drew on that."""
        return UnboundTries(
            (*self.of_addresses, AddressTry(address, now)),
            (*self.of_pool, now) if from_pool else self.of_pool,
        )

    def cleared(self, address: str) -> "UnboundTries":
        """The same after a right answer from this address; what the pool gave stays given."""
        kept = tuple(one for one in self.of_addresses if one.address != address)
        return replace(self, of_addresses=kept)

    def pruned(self, now: datetime) -> "UnboundTries":
        """The same without what no longer counts, or not yet."""
        until = now + CLOCK_SKEW
        of_an_hour, of_a_day = now - PER_ADDRESS.length, now - _LONGEST
        return UnboundTries(
            tuple(one for one in self.of_addresses if of_an_hour < one.at <= until),
            tuple(at for at in self.of_pool if of_a_day < at <= until),
        )

    def lapse_at(self) -> list[datetime]:
        """The moments at which the single counts end."""
        return [one.at + PER_ADDRESS.length for one in self.of_addresses] + [
            at + _LONGEST for at in self.of_pool
        ]

    def _times(self, address: str) -> list[datetime]:
        return [one.at for one in self.of_addresses if one.address == address]
