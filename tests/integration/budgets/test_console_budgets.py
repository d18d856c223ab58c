"""The overview of the console has the budgets, for staff who may read costs."""

from collections.abc import Collection
from typing import Final

import pytest

from adapters.records.features.budgets import make_budgets_repositories
from application.budgets.delivery_costs import DeliveryCosts
from application.budgets.feature import BudgetsFeature
from domain.budgets.budgets import Budget, Budgets
from domain.costs.prices import PriceList
from domain.identities.role import Role
from domain.otp.delivery import Channel
from tests.integration.console import open_console
from tests.integration.test_console_statistics import rows
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone

_BUDGETS: Final = Budgets((Budget("", 20_000_000, None), Budget("US", None, 9_500_000)))


def app_with_budgets() -> AppHarness:
    app = AppHarness()
    app.messenger.names = ("acme",)
    costs = DeliveryCosts(
        prices=PriceList("USD", {("US", Channel.SMS): 1_005_000}),
        providers_of=lambda _: ("acme",),
        free_providers=(),
        max_parts=1,
    )
    repositories = app._make(make_budgets_repositories)
    app.use_cases.add(BudgetsFeature(app.use_cases, repositories, _BUDGETS, costs))
    return app


async def test_the_overview_has_each_budget_and_limits_have_its_currency() -> None:
    async with open_console(app_with_budgets()) as console:
        await console.harness.request_otp(a_phone(1))
        overview = await console.get("")
        limits = await console.get("/limits")

    used, none = "1.005 USD", "\N{EN DASH}"
    assert rows(overview.text, "What is used of the budgets within 24 hours") == [
        ["All", used, "20.00 USD", none, used, "12.00 USD", used, "2.00 USD"],
        ["US", used, none, "9.50 USD", none, none, none, none],
    ]
    of_limits = rows(limits.text, "The use of limits, the fullest first")
    assert ["budget_hour_total strangers", "50 %", "", used, "2.00 USD"] in of_limits


@pytest.mark.parametrize(
    ("role", "faults", "shown"),
    [
        (Role.AUDITOR, (), "20.00 USD"),
        (Role.SUPPORT, (), ""),
        (Role.AUDITOR, ("limit_store.count_used",), "The use of budgets could not be measured"),
    ],
)
async def test_the_budgets_are_for_staff_who_may_read_costs(
    role: Role, faults: Collection[str], shown: str
) -> None:
    async with open_console(app_with_budgets(), role=role) as console:
        for fault in faults:
            console.harness.faults.fail_on(fault)
        overview = await console.get("")

    assert overview.status_code == 200
    assert ('id="budgets"' in overview.text, shown in overview.text) == (bool(shown), True)
