"""Statistics in the console."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from application.features.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.features.statistics.report import DEFAULT_HOURS, Dimension, query_hours
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.features.statistics.console.controller import StatisticsPageController


async def _describe_overview(request: ConsoleRequest, use_cases: UseCases) -> Mapping[str, Any]:
    statistics = use_cases.of(StatisticsFeature)
    query = query_hours(statistics.clock.now(), DEFAULT_HOURS, [Dimension.COUNTRY])
    return {"report": await statistics.report(request.operator, query)}


PART: Final = ConsolePart(
    scope=Scope.READ_STATISTICS,
    templates=Path(__file__).parent,
    controllers=(StatisticsPageController,),
    navigation=((20, "Statistics", "/console/statistics", Scope.READ_STATISTICS),),
    overview_section="statistics/overview_section.html",
    describe_overview=_describe_overview,
)
