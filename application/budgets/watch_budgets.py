"""How much of each budget is used, and warnings of it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.budgets.delivery_costs import DeliveryCosts
from application.ports.limits import LimitStore
from application.ports.system import Clock
from domain.budgets.budgets import DAY, Budget, Budgets
from domain.costs.prices import format_amount
from domain.otp.delivery import Channel
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow

WARN_PERCENT: Final = (50, 80, 100)
"""How much of a budget is used when the log has a warning."""
_ONCE_A_DAY: Final = SlidingWindow(1, DAY)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What was spent of a budget within the last 24 hours, in millionths.

    Attributes:
        budget: The budget.
        used: What was spent, and what is reserved for deliveries and calls under way.
        used_by_strangers: What of it was spent in the part for strangers; None if there is no such
            part, because the budget is a hard end only.
        used_in_hour: What of that within the last hour.
    """

    budget: Budget
    used: int
    used_by_strangers: int | None
    used_in_hour: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchBudgets:
    """Measure how much of each budget is used, by all instances together, and warn of it.

    Each warning is in the log of one process, once in 24 hours for a budget and a percentage. A
    budget that has less left than a message costs is used up.
    """

    limit_store: LimitStore
    budgets: Budgets
    costs: DeliveryCosts
    clock: Clock

    @property
    def currency(self) -> str:
        """The currency of the budgets."""
        return self.costs.prices.currency

    async def measure(self) -> Sequence[BudgetUse]:
        """Return the use of each budget.

        Raises:
            StorageError
            CorruptRecord
        """
        limits = [limit for each in self.budgets.budgets for limit in each.counters]
        if not limits:
            return []
        counts = iter(await self.limit_store.count_used(limits, self.clock.now()))
        uses = [
            BudgetUse(each, next(counts), next(counts), next(counts))
            for each in self.budgets.budgets
        ]
        return [
            use
            if use.budget.amount is not None
            else replace(use, used_by_strangers=None, used_in_hour=None)
            for use in uses
        ]

    async def measure_shares(self, size_of: Callable[[Budget], int | None]) -> Mapping[str, float]:
        """Return by country what part is used; that of all countries is `total`.

        Args:
            size_of: Returns the budget, or its hard end; None if there is none.

        Raises:
            StorageError
            CorruptRecord
        """
        return {
            use.budget.country or "total": use.used / size
            for use in await self.measure()
            if (size := size_of(use.budget)) is not None
        }

    async def warn(self) -> None:
        """Warn of budgets, and of hard ends, that are used by half, nearly, or in whole.

        Raises:
            StorageError
            CorruptRecord
        """
        for use in await self.measure():
            await self._warn_of(use, "budget_used", use.budget.amount)
            await self._warn_of(use, "hard_budget_used", use.budget.hard_end)

    async def _warn_of(self, use: BudgetUse, event: str, amount: int | None) -> None:
        if amount is None:
            return
        used = use.used
        if used + self.costs.highest(use.budget.country, [Channel.SMS], 1) > amount:
            used = max(used, amount)
        for percent in WARN_PERCENT:
            if used * 100 < amount * percent or not await self._is_first(use, event, percent):
                continue
            _log.warning(
                {
                    "event": event,
                    "country": use.budget.country,
                    "percent": percent,
                    "used": format_amount(use.used),
                    "amount": format_amount(amount),
                    "currency": self.currency,
                }
            )

    async def _is_first(self, use: BudgetUse, event: str, percent: int) -> bool:
        """Return whether nobody has warned of it within 24 hours, and keep that somebody has."""
        subject, now = use.budget.subject, self.clock.now()
        name = f"{event}:{percent}"
        warning = RateLimit(subject, LimitPurpose.DELIVERIES, name, _ONCE_A_DAY)
        [acquired] = await self.limit_store.acquire(Reservation(now, (warning,)))
        return isinstance(acquired, Acquisition)
