"""Messages and logins by hour, country and provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litestar import get
from litestar.response import Template

from application.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.statistics.report import CountRow, Statistics
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.console.statistics.periods import parse_selection
from entrypoints.http.console.statistics.plots import Plot, Series, plot_hours, plot_names
from entrypoints.http.dependencies import Injected

HOUR: Final = "%b %d %H:%M"


@dataclass(frozen=True, slots=True)
class _Group:
    """The messages by country, provider or channel."""

    title: str
    rows: Sequence[CountRow]

    @property
    def name(self) -> str:
        """The parameter of the query that selects one, if one does."""
        return self.title.lower()

    @property
    def plot(self) -> Plot:
        """The first of them."""
        return plot_names(
            self.name,
            f"Messages and logins by {self.name}",
            [row.name for row in self.rows],
            Series("sent", [row.counts.sent for row in self.rows]),
            Series("logins", [row.counts.logins for row in self.rows]),
        )


class ActivityController(ConsoleController):
    """What providers did with messages, and how many people logged in."""

    path = "/console/activity"
    opt = {NEEDED_SCOPE: Scope.READ_STATISTICS}

    @get("/")
    async def show_activity(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Template:
        """Return the page: plots, each with its table."""
        statistics = use_cases.of(StatisticsFeature)
        selection = parse_selection(request, statistics.clock.now())
        report = await statistics.report(request.caller, selection.query)
        return render(
            request,
            "statistics/activity.html",
            status_code=400 if selection.errors else 200,
            selection=selection,
            report=report,
            hour_plot=plot_messages(report),
            groups=[
                _Group("Country", report.by_country),
                _Group("Provider", report.by_provider),
                _Group("Channel", report.by_channel),
            ],
        )


def plot_messages(report: Statistics) -> Plot:
    """Return the plot of messages and logins by hour."""
    return plot_hours(
        "hours",
        "Messages and logins by hour",
        [f"{row.starts_at:{HOUR}}" for row in report.by_hour],
        Series("sent", [row.counts.sent for row in report.by_hour]),
        Series("logins", [row.counts.logins for row in report.by_hour]),
    )
