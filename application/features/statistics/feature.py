"""Build the use cases of statistics from the price list of the operator."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from application.features.statistics.count_statistics import CountStatistics
from application.features.statistics.ports import StatisticsRepositories
from application.features.statistics.read_statistics import ReadAmounts, ReportStatistics
from application.features.statistics.write_statistics import WriteStatistics
from application.operations.cleanup import expire
from application.otp.feature import OtpFeature
from application.security_events import SecurityEventListeners
from application.use_cases import UseCases
from domain.features.statistics.period_sums import DAY, HOUR, DeliveryGroup, PeriodSums
from domain.features.statistics.prices import PriceList

_INSTANCE_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsPolicy:
    """What the operator decides about amounts.

    `prices` is None where none are counted. `free_providers` are providers that cost nothing.
    """

    prices: PriceList | None = None
    free_providers: Collection[str] = ()


class StatisticsFeature:
    """The use cases of statistics. From now on, security events and amounts are counted.

    Attributes:
        currency: The ISO 4217 code of all amounts; empty without prices.
    """

    def __init__(
        self,
        core: UseCases,
        repositories: StatisticsRepositories,
        listeners: SecurityEventListeners,
        policy: StatisticsPolicy,
        meter: Callable[[DeliveryGroup, int], None] | None = None,
    ) -> None:
        self.clock = core.system.clock
        self.currency = policy.prices.currency if policy.prices else ""
        instance = core.system.randomness.bytes(_INSTANCE_BYTES).hex()
        hours, days = (PeriodSums(period, instance, self.currency) for period in (HOUR, DAY))
        self.count = CountStatistics(
            sums=(hours, days),
            prices=policy.prices,
            free_providers=policy.free_providers,
            clock=self.clock,
            meter=meter,
        )
        listeners.add(self.count)
        if (otp := core.find(OtpFeature)) is not None:
            otp.extensions.count_cost = self.count.count_cost
        self.write = WriteStatistics(((hours, repositories.hours), (days, repositories.days)))
        self.report = ReportStatistics(repositories, self.currency)
        self.read_amounts = ReadAmounts(repositories.hours, self.currency)
        core.operations.cleanup.add_steps(
            {
                "expired_statistics_hours": expire(repositories.hours),
                "expired_statistics_days": expire(repositories.days),
            }
        )
