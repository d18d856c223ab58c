"""What may be spent within 24 hours, in all countries together and in each of some."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.permits import Permits, UsedPart
from domain.otp.rate_limits import (
    STRANGERS,
    Acquisition,
    Group,
    LimitPurpose,
    Part,
    RateLimit,
    Reservation,
)
from domain.otp.sliding_window import SlidingWindow

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
STRANGERS_PERCENT: Final = 60
"""The part of a budget for strangers. The rest is for those whom it does not stop."""
HOURS_OF_STRANGERS: Final = 6
"""Strangers spend at most this fraction of their part within an hour."""
UNLIMITED: Final = 10**18
"""More millionths than anything costs, and less than 63 bits: a window that only counts."""

BUDGET: Final = "budget"
"""The group of limits that says in which part an amount was taken."""
OF_STRANGERS: Final = f"{BUDGET}:{STRANGERS}"
OF_STRANGERS_IN_HOUR: Final = f"budget_hour:{STRANGERS}"
"""The windows of the part for strangers."""
HARD_BUDGET: Final = "hard_budget"
"""The window of all amounts. It has a limit if there is a hard end."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent on phones of a country within 24 hours.

    Attributes:
        country: The country; empty for all countries together.
        amount: The budget in millionths of the currency, which stops strangers only; None if there
            is none.
        hard_end: What nobody exceeds, in millionths; None if there is no such end.
    """

    country: str
    amount: int | None
    hard_end: int | None

    @property
    def strangers(self) -> int | None:
        """The part for strangers; None if there is no budget."""
        return None if self.amount is None else self.amount * STRANGERS_PERCENT // 100

    @property
    def strangers_in_hour(self) -> int | None:
        """What strangers spend at most in an hour; None if there is no budget."""
        return None if self.strangers is None else self.strangers // HOURS_OF_STRANGERS

    @property
    def subject(self) -> str:
        """Whose amounts it counts."""
        return f"country:{self.country}" if self.country else "total"

    @property
    def counters(self) -> tuple[RateLimit, ...]:
        """Its windows, as ones that reject nothing: all, strangers, and these in an hour."""
        names = (HARD_BUDGET, DAY), (OF_STRANGERS, DAY), (OF_STRANGERS_IN_HOUR, HOUR)
        return tuple(self._window(name, UNLIMITED, period) for name, period in names)

    def for_everybody(self, amount: int) -> RateLimit:
        """Return the window of all amounts."""
        size = UNLIMITED if self.hard_end is None else self.hard_end
        return self._window(HARD_BUDGET, size, DAY, amount)

    def for_strangers(self, amount: int) -> tuple[RateLimit, ...]:
        """Return the windows of the part for strangers; none without a budget.

        In an hour there is at least one delivery, as far as the part has so much: otherwise a small
        budget would serve no stranger at all.
        """
        day = self.strangers
        if day is None:
            return ()
        hour = max(self.strangers_in_hour or 0, min(amount, day))
        return (
            self._window(OF_STRANGERS_IN_HOUR, hour, HOUR, amount),
            self._window(OF_STRANGERS, day, DAY, amount),
        )

    def _window(self, name: str, size: int, period: timedelta, amount: int = 1) -> RateLimit:
        window = SlidingWindow(size, period)
        return RateLimit(self.subject, LimitPurpose.DELIVERIES, name, window, amount)


@dataclass(frozen=True, slots=True)
class Budgets:
    """All budgets of an operator: that of all countries first, if there is one."""

    budgets: tuple[Budget, ...] = ()

    def of_country(self, country: str) -> Sequence[Budget]:
        """Return those that an amount for a phone of this country is taken from."""
        return [each for each in self.budgets if each.country in ("", country)]

    def reserve(
        self,
        reservation: Reservation,
        country: str,
        amount: int,
        parts: Collection[str],
    ) -> Reservation:
        """Return a reservation that takes an amount as well.

        Args:
            reservation: What else it needs.
            country: The country of the phone.
            amount: What the delivery costs at most.
            parts: The parts of the budget that it may be taken from, in this order. All but that of
                strangers only say who has taken it: their budget does not end.
        """
        budgets = self.of_country(country)
        if not budgets or not amount:
            return reservation
        of_strangers = tuple(limit for each in budgets for limit in each.for_strangers(amount))
        group = Group(
            BUDGET,
            tuple(Part(name, of_strangers if name == STRANGERS else ()) for name in parts),
        )
        of_everybody = (each.for_everybody(amount) for each in budgets)
        return replace(
            reservation,
            limits=(*reservation.limits, *of_everybody),
            groups=(*reservation.groups, group),
        )

    def taken(self, permits: Permits, country: str, amount: int) -> Acquisition:
        """Return what a delivery with these permits has taken; nothing if it has taken nothing."""
        part = permits.part_of(BUDGET)
        if part is None or not amount:
            return Acquisition(permits.acquired_at, ())
        windows = self.windows(country, amount, part)
        return Acquisition(permits.acquired_at, windows, (UsedPart(BUDGET, part),))

    def windows(self, country: str, amount: int, part: str) -> tuple[RateLimit, ...]:
        """Return the windows that an amount was taken from in a part of the budget."""
        limits: list[RateLimit] = []
        for each in self.of_country(country):
            limits.append(each.for_everybody(amount))
            if part == STRANGERS:
                limits += each.for_strangers(amount)
        return tuple(limits)


def settle(
    taken: Acquisition, cost: int, now: datetime
) -> tuple[Acquisition | None, Reservation | None]:
    """Return what is given back, and what is taken in addition: one of them, or none.

    Args:
        taken: What was taken. All its windows have the same amount.
        cost: What the delivery has cost.
        now: The time.
    """
    if not taken.limits:
        return None, None
    difference = taken.limits[0].amount - cost
    if difference > 0:
        limits = tuple(replace(limit, amount=difference) for limit in taken.limits)
        return Acquisition(taken.acquired_at, limits), None
    if difference < 0:
        more = tuple(_without_end(replace(limit, amount=-difference)) for limit in taken.limits)
        return None, Reservation(now, more)
    return None, None


def _without_end(limit: RateLimit) -> RateLimit:
    """Return a window that only counts."""
    return replace(limit, window=SlidingWindow(UNLIMITED, limit.window.period))
