"""What a callback takes of a budget."""

from contextlib import suppress

import pytest

from adapters.records.features.budgets import make_budgets_repositories
from application.budgets.delivery_costs import DeliveryCosts
from application.budgets.feature import BudgetsFeature
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryResult
from domain.budgets.budgets import Budget, Budgets
from domain.costs.prices import PriceList
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.call_provider import REJECTED
from tests.support.policies import make_policy
from tests.unit.application.budgets.budget_harness import PRICE


@pytest.mark.parametrize(
    ("result", "fails", "minutes"),
    [(None, False, 3), (REJECTED, False, 0), (None, True, 0)],
    ids=repr,
)
async def test_a_callback_is_paid_unless_its_call_surely_was_not_placed(
    result: DeliveryResult | None, fails: bool, minutes: int
) -> None:
    app = AppHarness(policy=make_policy(webhook_urls=WEBHOOK_URLS))
    costs = DeliveryCosts(
        prices=PriceList("USD", {("US", Channel.SMS): PRICE, ("US", Channel.VOICE): PRICE}),
        providers_of=lambda _: ("acme",),
        free_providers=(),
        max_parts=1,
    )
    repositories = app._make(make_budgets_repositories)
    budgets = BudgetsFeature(
        app.use_cases, repositories, Budgets((Budget("", 100 * PRICE, None),)), costs
    )
    app.call_provider.result = result
    if fails:
        app.faults.fail_on("calls.add")

    with suppress(StorageUnavailable):
        await app.request_callback()

    assert budgets.watch is not None
    [use] = await budgets.watch.measure()
    assert use.used == minutes * PRICE
