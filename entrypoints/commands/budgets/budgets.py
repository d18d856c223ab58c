"""`dialtone budgets`: what is used of the budgets."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from application.administration.caller import Caller
from application.budgets.feature import BudgetsFeature
from application.budgets.watch_budgets import BudgetUse
from application.use_cases import UseCases
from domain.costs.prices import format_amount
from entrypoints.commands.columns import align_columns
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import find_operator
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.core.limits import LIMITS
from entrypoints.features.budgets import BUDGETS, BudgetSettings, make_budgets
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.declaration import example_line
from entrypoints.settings.settings import Settings

NO_BUDGET: Final = (
    "There is no budget, because neither DIALTONE_BUDGET_PER_DAY nor DIALTONE_BUDGET_PER_COUNTRY "
    f"is set, see docs/budgets.md. {example_line(BudgetSettings, 'DIALTONE_BUDGET_PER_DAY')}"
)
_HEAD: Final = ("country", "used", "budget", "used by strangers", "of", "in an hour", "hard end")


def budgets(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Show each budget with what is used of it."""
    if not make_budgets(settings.of(BudgetSettings)).budgets:
        raise CommandError(NO_BUDGET)
    caller = find_operator()
    with explain_errors():
        uses, currency = call_with_use_cases(
            settings, lambda use_cases: _show(use_cases, caller), [LIMITS, BUDGETS]
        )
    return [_to_json(uses, currency)] if arguments.json else render_budgets(uses, currency)


async def _show(use_cases: UseCases, caller: Caller) -> tuple[Sequence[BudgetUse], str]:
    of_budgets = use_cases.of(BudgetsFeature)
    return await of_budgets.show(caller), of_budgets.currency


def render_budgets(uses: Sequence[BudgetUse], currency: str) -> Iterator[str]:
    """Return a line for each budget: amounts of the last 24 hours, and of the last hour."""
    yield f"In {currency}, within 24 hours:"
    yield from align_columns([_HEAD, *map(_cells, uses)])


def _cells(use: BudgetUse) -> tuple[str, ...]:
    amounts = (
        use.used,
        use.budget.amount,
        use.used_by_strangers,
        use.budget.strangers,
        use.used_in_hour,
        use.budget.hard_end,
    )
    return use.budget.country or "all", *(
        "-" if one is None else format_amount(one) for one in amounts
    )


def _to_json(uses: Sequence[BudgetUse], currency: str) -> str:
    from msgspec import json

    from entrypoints.http.budgets.schemas import to_response

    return json.encode(to_response(uses, currency)).decode()
