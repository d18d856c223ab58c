"""Rejections by limit, and security events by type and hour."""

from collections.abc import Mapping, Sequence, Set

from litestar import get
from litestar.response import Template

from application.ports.security_events import EVENT_TYPES
from application.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.statistics.report import HourRow, make_query
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.console.statistics.activity import HOUR
from entrypoints.http.console.statistics.periods import parse_hours
from entrypoints.http.console.statistics.plots import Plot, Series, plot_hours
from entrypoints.http.dependencies import Injected


class SecurityController(ConsoleController):
    """What limits rejected, and what the security log has."""

    path = "/console/security"
    opt = {NEEDED_SCOPE: Scope.READ_STATISTICS}

    @get("/")
    async def show_security(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Template:
        """Return the page. A limit or a type that is selected is the only one by hour."""
        statistics, hours = use_cases.of(StatisticsFeature), parse_hours(request)
        query = make_query(statistics.clock.now(), hours)
        report = await statistics.report(request.caller, query)
        limit = _selected(request, "limit", report.rejections)
        event = _selected(request, "event", report.events)
        rejections = [_number(row.rejections, limit) for row in report.by_hour]
        events = [_number(row.events, event) for row in report.by_hour]
        return render(
            request,
            "statistics/security.html",
            hours=hours,
            report=report,
            limit=limit,
            event=event,
            rejection_plot=_plot("rejections", limit or "Rejections", report.by_hour, rejections),
            event_plot=_plot("events", event or "Security events", report.by_hour, events),
            rejections=rejections,
            events=events,
            warnings=warning_names(),
        )


def warning_names() -> Set[str]:
    """Return the names of the security events that operators should be warned of."""
    return {event.name for event in EVENT_TYPES if event.is_warning}


def _plot(name: str, subject: str, rows: Sequence[HourRow], values: Sequence[int]) -> Plot:
    hours = [f"{row.starts_at:{HOUR}}" for row in rows]
    return plot_hours(name, f"{subject} by hour", hours, Series(name, values))


def _selected(request: ConsoleRequest, name: str, known: Mapping[str, int]) -> str:
    """Return the name in the query if it was counted; otherwise all are shown."""
    text = request.query_params.get(name, "")
    return text if text in known else ""


def _number(counted: Mapping[str, int], name: str) -> int:
    return counted.get(name, 0) if name else sum(counted.values())
