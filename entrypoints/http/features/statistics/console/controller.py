"""Messages, logins and rejections."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get

from application.features.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.features.statistics.period_sums import HOUR, Result
from domain.features.statistics.report import DIMENSIONS, Statistics
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.render import render
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.features.statistics.console.plots import Plot, Series, plot_periods
from entrypoints.http.features.statistics.csv_report import csv_response
from entrypoints.http.features.statistics.query import parse_query
from entrypoints.http.requests.dependencies import Injected

_NAMES: Final = ("hours", "from", "until", "by")


class StatisticsPageController(ConsoleController):
    """The report of `dialtone statistics`."""

    path = "/console/statistics"
    opt = {NEEDED_SCOPE: Scope.READ_STATISTICS}

    @get("/")
    async def show_statistics(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Response[Any]:
        """Return the page, or the file of CSV. What is wrong in the query selects nothing."""
        statistics = use_cases.of(StatisticsFeature)
        kept = {name: request.query_params.get(name, "").strip() for name in _NAMES}
        errors: Mapping[str, str] = {}
        now = statistics.clock.now()
        try:
            query = parse_query(
                now,
                hours=kept["hours"] or None,
                first_day=kept["from"] or None,
                last_day=kept["until"] or None,
                by=kept["by"] or None,
            )
        except InvalidFields as error:
            errors = {each.field: each.message for each in error.field_errors}
            query = parse_query(now, hours=None, first_day=None, last_day=None, by=None)
        report = await statistics.report(request.operator, query)
        if not errors and request.query_params.get("format") == "csv":
            return csv_response(report)
        return render(
            request,
            "statistics/statistics.html",
            status_code=400 if errors else 200,
            report=report,
            plot=_plot(report),
            kept=kept,
            today=f"{now:%Y-%m-%d}",
            errors=errors,
            dimensions=[(name, name.replace(",", " and ")) for name in DIMENSIONS],
            results=Result,
            time_format=_time_format(report),
        )


def _plot(report: Statistics) -> Plot:
    period = report.query.period.name
    return plot_periods(
        "plot",
        f"Messages and logins by {period}",
        [f"{row.starts_at:{_time_format(report)}}" for row in report.by_period],
        period,
        Series("sent", [row.counts[Result.SENT] for row in report.by_period]),
        Series("logins", [row.counts[Result.LOGINS] for row in report.by_period]),
    )


def _time_format(report: Statistics) -> str:
    return "%b %d %H:%M" if report.query.period is HOUR else "%Y-%m-%d"
