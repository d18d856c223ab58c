"""Response bodies of budgets."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from application.budgets.watch_budgets import BudgetUse
from entrypoints.http.fields import described


class BudgetResponse(msgspec.Struct):
    """A budget, and what is used of it. Amounts are millionths of the currency."""

    country: Annotated[
        str, described("The ISO 3166-1 code; empty for all countries together.", "IN")
    ]
    budget: Annotated[
        int | None, described("What may be spent in 24 hours. It stops strangers.", 120_000_000)
    ]
    hard_end: Annotated[int | None, described("What nobody exceeds within 24 hours.", 400_000_000)]
    used: Annotated[int, described("What was spent within 24 hours.", 66_400_000)]
    strangers: Annotated[int | None, described("The part of the budget for strangers.", 72_000_000)]
    used_by_strangers: Annotated[int | None, described("What is used of it.", 41_500_000)]
    used_by_strangers_in_hour: Annotated[
        int | None, described("What is used of it within an hour. A sixth may be.", 2_490_000)
    ]


class BudgetsResponse(msgspec.Struct):
    """All budgets."""

    currency: Annotated[
        str, described("The ISO 4217 code of the currency; empty if there is no budget.", "USD")
    ]
    budgets: Annotated[Sequence[BudgetResponse], described("The budgets.")]


def to_response(uses: Sequence[BudgetUse], currency: str) -> BudgetsResponse:
    """Return the response."""
    budgets = [
        BudgetResponse(
            country=use.budget.country,
            budget=use.budget.amount,
            hard_end=use.budget.hard_end,
            used=use.used,
            strangers=use.budget.strangers,
            used_by_strangers=use.used_by_strangers,
            used_by_strangers_in_hour=use.used_in_hour,
        )
        for use in uses
    ]
    return BudgetsResponse(currency=currency, budgets=budgets)
