"""What messages and calls cost."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from litestar import Response, get

from application.costs.feature import CostsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from domain.costs.prices import format_amount
from domain.costs.report import CostGroup, CostPeriod, make_period, parse_day, parse_groups
from domain.errors import InvalidValue
from domain.statistics.errors import CostsNotCounted
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.dependencies import Injected
from entrypoints.http.statistics.costs.csv_report import csv_response


class CostsController(ConsoleController):
    """The report of `dialtone costs`."""

    path = "/console/costs"
    opt = {NEEDED_SCOPE: Scope.READ_COSTS}

    @get("/")
    async def show_costs(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Response[Any]:
        """Return the page, or the file of CSV. Without a price list it says how to count costs."""
        costs = use_cases.of(CostsFeature)
        try:
            costs.require_prices()
        except CostsNotCounted:
            return render(request, "statistics/costs_not_counted.html")
        typed = {name: request.query_params.get(name, "").strip() for name in ("from", "to")}
        period, period_errors = _parse_period(typed, costs.today())
        groups, group_errors = _parse_groups(request.query_params.get("by", ""))
        errors = {**group_errors, **period_errors}
        report = await costs.report(request.caller, period, groups)
        if not errors and request.query_params.get("format") == "csv":
            return csv_response(report)
        return render(
            request,
            "statistics/costs.html",
            status_code=400 if errors else 200,
            report=report,
            by=report.groups[0],
            groups=[*CostGroup],
            typed={
                "from": typed["from"] or period.first_day.isoformat(),
                "to": typed["to"] or period.last_day.isoformat(),
            },
            errors=errors,
            format_amount=format_amount,
        )


def _parse_period(typed: Mapping[str, str], today: date) -> tuple[CostPeriod, Mapping[str, str]]:
    """Return the period, and what is wrong by field: then it is this month."""
    errors: dict[str, str] = {}
    days: dict[str, date | None] = {"from": None, "to": None}
    for name, text in typed.items():
        try:
            days[name] = parse_day(text) if text else None
        except InvalidValue as error:
            errors[name] = error.message
    try:
        if not errors:
            return make_period(days["from"], days["to"], today), {}
    except InvalidValue as error:
        errors["from"] = error.message
    return make_period(None, None, today), errors


def _parse_groups(text: str) -> tuple[Sequence[CostGroup], Mapping[str, str]]:
    """Return the groups, and what is wrong with them: then it is the country."""
    try:
        return parse_groups(text or CostGroup.COUNTRY), {}
    except InvalidValue as error:
        return [CostGroup.COUNTRY], {"by": error.message}
