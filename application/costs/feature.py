"""Build the use cases of costs from the price list of the operator."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date

from application.costs.count_costs import CountCosts, CountCostsByHour
from application.costs.report_costs import ReportCosts
from application.operations.cleanup import expire
from application.otp.feature import OtpFeature
from application.ports.statistics import CostMeter, PeriodRecords
from application.statistics.feature import StatisticsFeature
from application.statistics.period_records import WriteSums, make_process_id
from application.use_cases import UseCases
from domain.costs.prices import PriceList
from domain.costs.sums import CostSums, DailyCosts
from domain.statistics.errors import CostsNotCounted


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsPolicy:
    """What the operator decides about costs.

    `prices` is None where nothing is counted. `free_providers` are providers that cost nothing.
    """

    prices: PriceList | None = None
    free_providers: Collection[str] = ()


class CostsFeature:
    """The use cases of costs. They are built after those of statistics."""

    def __init__(
        self,
        core: UseCases,
        daily_costs: PeriodRecords[DailyCosts],
        policy: CostsPolicy,
        meter: CostMeter | None = None,
    ) -> None:
        self._prices, self._clock = policy.prices, core.system.clock
        instance = currency = ""
        if policy.prices is not None:
            instance = make_process_id(core.system.randomness)
            currency = policy.prices.currency
        sums = CostSums(instance, currency)
        hourly_sums = core.of(StatisticsFeature).sums
        hourly_sums.currency = currency
        by_hour = CountCostsByHour(hourly_sums, self._clock)
        self.count = CountCosts(
            sums=sums,
            prices=policy.prices,
            free_providers=policy.free_providers,
            clock=self._clock,
            meters=(by_hour,) if meter is None else (by_hour, meter),
        )
        self.write = WriteSums(sums, daily_costs)
        self.report = ReportCosts(daily_costs)
        core.operations.cleanup.add_steps({"expired_costs": expire(daily_costs)})
        if (otp := core.find(OtpFeature)) is not None:
            otp.extensions.count_cost = self.count

    def today(self) -> date:
        """Return the day, in UTC."""
        return self._clock.now().astimezone(UTC).date()

    def require_prices(self) -> None:
        """Check that costs are counted.

        Raises:
            CostsNotCounted
        """
        if self._prices is None:
            raise CostsNotCounted
