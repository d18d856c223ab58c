"""Budgets over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from domain.administration.scope import Scope
from entrypoints.http.budgets.controller import BudgetController
from entrypoints.http.plugin import ApiPlugin


class BudgetsPlugin(ApiPlugin):
    """What is used of the budgets."""

    scopes = (Scope.READ_COSTS,)
    administration: Sequence[type[Controller]] = (BudgetController,)
