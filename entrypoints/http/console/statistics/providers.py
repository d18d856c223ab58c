"""What each provider delivers, which of its codes are entered, and what these cost."""

from typing import Any

from litestar import Response, get

from application.statistics.feature import StatisticsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.costs.prices import format_amount
from domain.errors import InvalidValue
from domain.statistics.provider_report import make_provider_query, parse_time
from domain.statistics.report import parse_counted_country
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.dependencies import Injected
from entrypoints.http.statistics.providers.csv_report import csv_response


class ProvidersController(ConsoleController):
    """The report of `dialtone providers`."""

    path = "/console/providers"
    opt = {NEEDED_SCOPE: Scope.READ_STATISTICS}

    @get("/")
    async def show_providers(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Response[Any]:
        """Return the page, or the file of CSV. What is wrong in the query selects nothing."""
        statistics = use_cases.of(StatisticsFeature)
        names = ("from", "to", "country")
        typed = {name: request.query_params.get(name, "").strip() for name in names}
        parsers = {
            "from": lambda text: parse_time(text, is_end=False),
            "to": lambda text: parse_time(text, is_end=True),
            "country": parse_counted_country,
        }
        parsed: dict[str, Any] = dict.fromkeys(names)
        errors: dict[str, str] = {}
        for name, text in typed.items():
            try:
                parsed[name] = parsers[name](text) if text else None
            except InvalidValue as error:
                errors[name] = error.message
        now = statistics.clock.now()
        try:
            query = make_provider_query(now, parsed["from"], parsed["to"], parsed["country"])
        except InvalidValue as error:
            errors["from"] = error.message
            query = make_provider_query(now, None, None, parsed["country"])
        report = await statistics.report_providers(request.caller, query)
        if not errors and request.query_params.get("format") == "csv":
            return csv_response(report)
        return render(
            request,
            "statistics/providers.html",
            status_code=400 if errors else 200,
            summary=report.summary,
            left=report.left,
            typed=typed,
            errors=errors,
            format_amount=format_amount,
        )
