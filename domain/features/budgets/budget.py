"""What codes and notices may cost in 24 hours, in all or for a country."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
HOURS: Final = 24
"""How many hours before the running one count."""
NO_PROOF_FACTOR: Final = 2
"""Above so many times a budget a proof does not help."""

Spent = Mapping[datetime, Mapping[str, int]]
"""What was spent by the start of each hour and by country, in millionths of the currency."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget.

    Attributes:
        country: The country; empty for all countries together.
        amount: In millionths of the currency.
    """

    country: str
    amount: int

    def includes(self, country: str) -> bool:
        """Return whether a code for this country counts."""
        return self.country in ("", country)

    def sum_spent(self, spent: Spent, now: datetime) -> int:
        """Return what counts now: the running hour and the 24 before it."""
        return sum(
            amount
            for hour, by_country in spent.items()
            if start_of_hour(now) - HOURS * HOUR <= hour
            for country, amount in by_country.items()
            if self.includes(country)
        )

    def available_at(self, spent: Spent, now: datetime) -> datetime | None:
        """Return the first full hour at which, with nothing new, the sum is below the budget.

        None if it is below now.
        """
        if self.sum_spent(spent, now) < self.amount:
            return None
        next_hour = start_of_hour(now) + HOUR
        later = (next_hour + number * HOUR for number in range(HOURS + 1))
        return next(time for time in later if self.sum_spent(spent, time) < self.amount)


def start_of_hour(time: datetime) -> datetime:
    """Return when the hour of a time began, in UTC."""
    return time.replace(minute=0, second=0, microsecond=0)
