"""Statistics in the console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar import Response, get

from application.features.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.features.statistics import (
    DEFAULT_HOURS,
    DIMENSIONS,
    HOUR,
    Dimension,
    Result,
    Statistics,
    query_hours,
)
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.console.render import render
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.features.statistics.schemas import csv_response, parse_query
from entrypoints.http.requests.dependencies import Injected

HEIGHT: Final = 100
COLUMN_WIDTH: Final = 12
_BAR_WIDTHS: Final = (8, 4)
"""That of the first series, and of the second, which is in front of it."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of columns: its name, and the number of each column."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, in the units of the plot."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Columns from left to right.

    Attributes:
        width: The width in units. The height is `HEIGHT`.
        highest: The number of a column of the full height.
        bars: The rectangles of each series, without those of height 0.
    """

    id: str
    title: str
    labels: Sequence[str]
    width: int
    highest: int
    names: Sequence[str]
    bars: Sequence[Sequence[Bar]]


def plot_periods(
    plot_id: str, subject: str, starts: Sequence[str], period: str, *series: Series
) -> Plot:
    """Return a plot with a column for each hour or day, of one or two series.

    `subject` is what is plotted, such as `Messages by hour`. `period` is `hour` or `day`.
    """
    labels = [starts[0], starts[len(starts) // 2], starts[-1]] if len(starts) > 2 else starts
    first = series[0]
    totals = ", ".join(f"{each.name} {sum(each.values):,}" for each in series)
    title = f"{subject}: {totals}."
    if highest := max(first.values, default=0):
        start = starts[first.values.index(highest)]
        title += f" The most {first.name} in one {period}: {highest:,}, from {start} UTC."
    highest = max((value for each in series for value in each.values), default=0)
    return Plot(
        id=plot_id,
        title=title,
        labels=labels,
        width=len(starts) * COLUMN_WIDTH,
        highest=highest,
        names=[each.name for each in series],
        bars=[
            _bars(each.values, highest, width)
            for each, width in zip(series, _BAR_WIDTHS, strict=False)
        ],
    )


def _bars(values: Sequence[int], highest: int, width: float) -> Sequence[Bar]:
    offset = (COLUMN_WIDTH - width) / 2
    bars = []
    for column, value in enumerate(values):
        if value:
            # A small number is not invisible beside a large one.
            height = max(1.0, round(HEIGHT * value / highest, 1))
            bars.append(Bar(column * COLUMN_WIDTH + offset, HEIGHT - height, width, height))
    return bars


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
