"""What is used of the budgets, on the first page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from application.budgets.feature import BudgetsFeature
from application.ports.errors import PortError
from application.use_cases import UseCases
from domain.administration.scope import Scope
from entrypoints.http.console.part import ConsolePart
from entrypoints.http.console.request import ConsoleRequest


async def _describe_overview(request: ConsoleRequest, use_cases: UseCases) -> Mapping[str, Any]:
    budgets = use_cases.of(BudgetsFeature)
    try:
        uses = await budgets.show(request.caller)
    except PortError:
        uses = None  # the limit store does not respond
    return {"budget_uses": uses, "format_budget": budgets.format_amount}


PART: Final = ConsolePart(
    scope=Scope.READ_COSTS,
    templates=Path(__file__).parent / "templates",
    overview_section="budgets/overview_section.html",
    describe_overview=_describe_overview,
)
