"""Build what keeps costs within the budgets of the operator."""

from collections.abc import Sequence

from application.administration.caller import Caller
from application.budgets.delivery_costs import DeliveryCosts
from application.budgets.keep_budgets import KeepBudgets
from application.budgets.watch_budgets import BudgetUse, WatchBudgets
from application.operations.cleanup import expire
from application.otp.feature import LimitsFeature, OtpFeature
from application.ports.budgets import BudgetsRepositories
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.budgets.budgets import Budgets
from domain.costs.prices import format_short


class BudgetsFeature:
    """Takes the amount of each delivery, if there is any budget, and measures what is used.

    Attributes:
        watch: Measures the budgets; None where no limits are open, or there is no budget.
        currency: That of the budgets; empty where there is none.
    """

    def __init__(
        self,
        core: UseCases,
        repositories: BudgetsRepositories,
        budgets: Budgets,
        costs: DeliveryCosts | None,
    ) -> None:
        """Add the budgets to the limits and to the deliveries that are open.

        Args:
            core: The core.
            repositories: The repositories.
            budgets: The budgets.
            costs: What deliveries cost; None if there is no budget.
        """
        clock, reserved_calls = core.system.clock, repositories.reserved_calls
        core.operations.cleanup.add_steps({"expired_budget_calls": expire(reserved_calls)})
        self.watch: WatchBudgets | None = None
        self.currency = ""
        limits, otp = core.find(LimitsFeature), core.find(OtpFeature)
        if limits is None or costs is None or not budgets.budgets:
            return
        self.currency = costs.prices.currency
        self.watch = WatchBudgets(
            limit_store=limits.limit_store, budgets=budgets, costs=costs, clock=clock
        )
        # How much of the part for strangers is used, as of all limits that phones share.
        limits.measure_limits.include(
            [limit for each in budgets.budgets for limit in each.for_strangers(1)],
            self.format_amount,
        )
        keep = KeepBudgets(
            limit_store=limits.limit_store,
            reserved_calls=reserved_calls,
            budgets=budgets,
            costs=costs,
            clock=clock,
            has_attested_part=limits.limits.settings.has_attested_part,
        )
        limits.limits.terms.append(keep)
        limits.limits.callback_terms = keep.reserve_callback
        if otp is not None:
            otp.extensions.spending = keep

    def format_amount(self, millionths: int) -> str:
        """Return an amount with its currency, for people."""
        return f"{format_short(millionths)} {self.currency}"

    async def show(self, caller: Caller) -> Sequence[BudgetUse]:
        """Return what is used of each budget.

        Raises:
            InsufficientScope
            StorageError
            CorruptRecord
        """
        caller.check_scope(Scope.READ_COSTS)
        return [] if self.watch is None else await self.watch.measure()
