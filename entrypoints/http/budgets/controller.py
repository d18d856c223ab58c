"""What is used of the budgets of messages and calls."""

from litestar import Controller, get

from application.budgets.feature import BudgetsFeature
from domain import errors
from entrypoints.http.auth import BEARER, AdministrationMiddleware
from entrypoints.http.budgets import schemas
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.request import ApiRequest


class BudgetController(Controller):
    """What messages and calls may cost within 24 hours, and what is used of it."""

    path = "/admin/budgets"
    tags = ["Administration"]
    dependencies = {"budgets": provide(lambda use_cases: use_cases.of(BudgetsFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="Show the budgets",
        response_description="The budgets. There may be none.",
        errors=[errors.Forbidden, errors.InsufficientScope, errors.ReauthenticationRequired],
    )
    async def show_budgets(
        self, *, request: ApiRequest, budgets: Injected[BudgetsFeature]
    ) -> schemas.BudgetsResponse:
        """Show each budget, and what messages and calls have used of it within 24 hours.

        Amounts are millionths of the currency. What is reserved for messages and calls under way
        is used, too. A service token needs the scope `costs:read`.
        """
        return schemas.to_response(await budgets.show(request.caller), budgets.currency)
