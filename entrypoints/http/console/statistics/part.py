"""Statistics and costs in the console."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from application.costs.feature import CostsFeature
from application.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.costs.report import CostGroup, CostPeriod
from domain.statistics.errors import CostsNotCounted
from domain.statistics.report import make_query
from entrypoints.http.console.part import ConsolePart
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.console.statistics.activity import ActivityController, plot_messages
from entrypoints.http.console.statistics.costs import CostsController
from entrypoints.http.console.statistics.security import SecurityController, warning_names


async def _describe_overview(request: ConsoleRequest, use_cases: UseCases) -> Mapping[str, Any]:
    statistics = use_cases.of(StatisticsFeature)
    report = await statistics.report(request.caller, make_query(statistics.clock.now()))
    return {
        "report": report,
        "hour_plot": plot_messages(report),
        "rejected": sum(report.rejections.values()),
        "warnings": sum(report.events.get(name, 0) for name in warning_names()),
        "costs": await _find_costs(request, use_cases),
    }


async def _find_costs(request: ConsoleRequest, use_cases: UseCases) -> Sequence[str] | None:
    """Return the costs of today by currency; None if they are not counted, or not shown."""
    if not request.caller.has_scope(Scope.READ_COSTS):
        return None
    try:
        use_cases.of(CostsFeature).require_prices()
    except CostsNotCounted:
        return None
    today = use_cases.of(CostsFeature).today()
    report = await use_cases.of(CostsFeature).report(
        request.caller, CostPeriod(today, today), [CostGroup.COUNTRY]
    )
    return [f"{row.costs.millionths / 1_000_000:,.2f} {row.currency}" for row in report.totals]


PART: Final = ConsolePart(
    scope=Scope.READ_STATISTICS,
    templates=Path(__file__).parent / "templates",
    controllers=(SecurityController, CostsController, ActivityController),
    navigation=(
        (20, "Activity", "/console/activity", Scope.READ_STATISTICS),
        (40, "Costs", "/console/costs", Scope.READ_COSTS),
        (50, "Security", "/console/security", Scope.READ_STATISTICS),
    ),
    overview_section="statistics/overview_section.html",
    describe_overview=_describe_overview,
)
