"""Compare what codes and notices cost with the budgets, once a minute."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from application.limits.restrictions import RestrictedClient
from application.ports.system import Clock
from domain.features.budgets.budget import (
    HOUR,
    HOURS,
    NO_PROOF_FACTOR,
    Budget,
    Spent,
    start_of_hour,
)
from domain.otp.permits import Recognition
from domain.otp.rate_limits import Restriction

BUDGET: Final = "budget"
"""What rejects a stranger, in the place of a limit's name."""

_log = logging.getLogger(__name__)

ReadAmounts = Callable[[datetime, datetime], Awaitable[Spent]]
"""Reads what was spent from one hour to another, by all processes."""


@dataclass(slots=True)
class WatchBudgets:
    """Stop strangers while a budget is used up, by what was read last.

    - Above a budget strangers without a proof wait, in its country or in all. Above twice the
      budget a proof does not help either. Recognized phones and operators are never stopped.
    - If a read fails, the last result holds.
    - What the other processes have not written yet is missing: a minute of counts.

    Attributes:
        spent: What was spent, as it was read last.
    """

    budgets: Sequence[Budget]
    read_amounts: ReadAmounts
    clock: Clock
    spent: dict[datetime, Mapping[str, int]] = field(default_factory=dict)
    _read_hour: datetime | None = None
    _warned_at: dict[str, datetime] = field(default_factory=dict)

    async def __call__(self) -> None:
        """Read the running hour and the one before; when the hour has changed, also older ones.

        Raises:
            CorruptRecord
            StorageError
        """
        now = self.clock.now()
        hour = start_of_hour(now)
        oldest = hour - HOURS * HOUR
        is_new = hour != self._read_hour
        read = await self.read_amounts(oldest if is_new else hour - HOUR, hour)
        kept = {} if is_new else {each: self.spent[each] for each in self.spent if each >= oldest}
        self.spent = {**kept, **read}
        self._read_hour = hour
        self._warn(now)

    def find_restriction(self, client: RestrictedClient) -> Restriction | None:
        """Return what keeps a stranger out, if a budget of the country or of all is used up."""
        if client.recognition is not Recognition.NONE:
            return None
        used_up = [
            (budget, until)
            for budget in self.budgets
            if budget.includes(client.phone.country)
            and (until := budget.available_at(self.spent, client.now)) is not None
        ]
        if not used_up:
            return None
        return Restriction(
            name=BUDGET,
            until=max(until for _, until in used_up),
            ends_with_proof=all(
                self.measure(budget, client.now) < NO_PROOF_FACTOR for budget, _ in used_up
            ),
        )

    def measure(self, budget: Budget, now: datetime) -> float:
        """Return what was spent as a part of a budget."""
        return budget.sum_spent(self.spent, now) / budget.amount

    def measure_all(self) -> Mapping[str, float]:
        """Return what was spent as a part of each budget, by country; `total` for all countries."""
        now = self.clock.now()
        return {each.country or "total": self.measure(each, now) for each in self.budgets}

    def _warn(self, now: datetime) -> None:
        """Log each budget that is used up, once an hour."""
        for budget in self.budgets:
            until = budget.available_at(self.spent, now)
            last = self._warned_at.get(budget.country)
            if until is None or (last is not None and now - last < HOUR):
                continue
            self._warned_at[budget.country] = now
            percent = round(100 * self.measure(budget, now))
            fields = {"country": budget.country, "percent": percent, "until": until.isoformat()}
            _log.warning({"event": "budget_used_up", **fields})
