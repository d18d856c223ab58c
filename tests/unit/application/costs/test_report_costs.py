"""What was counted is written, and reported from what was written."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import pytest

from application.administration.caller import Caller, operating_system_user
from application.costs.feature import CostsFeature
from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.costs.prices import PriceList
from domain.costs.report import CostGroup, CostPeriod, CostReport, CostRow
from domain.costs.sums import COSTS_RETENTION, Costs
from domain.errors import InsufficientScope
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW
from tests.support.counted_events import sent_message
from tests.support.policies import make_policy

PRICES: Final = PriceList("USD", {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 8_300})
TODAY: Final = NOW.date()
ONE_DAY: Final = timedelta(days=1)
OPERATOR: Final = operating_system_user("alice")


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=make_policy(prices=PRICES))


def another_process(app: AppHarness, prices: PriceList = PRICES) -> CostsFeature:
    policy = make_policy(prices=prices)
    harness = AppHarness(
        database=app.database, clock=app.clock, randomness=app.randomness, policy=policy
    )
    return harness.use_cases.of(CostsFeature)


async def report(
    app: AppHarness,
    groups: Sequence[CostGroup] = (CostGroup.COUNTRY,),
    first_day: date = TODAY,
    last_day: date = TODAY,
) -> CostReport:
    return await app.use_cases.of(CostsFeature).report(
        OPERATOR, CostPeriod(first_day, last_day), groups
    )


async def test_a_report_sums_what_all_processes_have_written(app: AppHarness) -> None:
    first, second = app.use_cases.of(CostsFeature), another_process(app)
    first.count(sent_message("IN", "twilio"))
    second.count(sent_message("IN"))
    second.count(sent_message("US"))
    assert (await report(app)).rows == []
    await first.write()
    await second.write()

    india, usa = Costs(2, 2, 0, 166_000), Costs(1, 1, 0, 8_300)
    by_country = await report(app)
    assert by_country.rows == [CostRow(("IN",), "USD", india), CostRow(("US",), "USD", usa)]
    assert by_country.totals == [CostRow((), "USD", Costs(3, 3, 0, 174_300))]
    by_two = await report(app, [CostGroup.PROVIDER, CostGroup.COUNTRY])
    assert [row.names for row in by_two.rows] == [
        ("acme:open", "IN"),
        ("acme:open", "US"),
        ("twilio", "IN"),
    ]


async def test_each_day_of_utc_has_its_own_sums(app: AppHarness) -> None:
    costs = app.use_cases.of(CostsFeature)
    for _ in range(3):
        costs.count(sent_message("US", "twilio"))
        app.clock.advance(ONE_DAY)
    await costs.write()
    for first, last, messages in ((0, 2, 3), (1, 1, 1), (0, 1, 2)):
        counted = await report(
            app, first_day=TODAY + first * ONE_DAY, last_day=TODAY + last * ONE_DAY
        )
        assert counted.totals[0].costs.messages == messages


async def test_amounts_of_two_currencies_are_not_added(app: AppHarness) -> None:
    for prices in (PRICES, PriceList("EUR", PRICES.prices)):
        costs = another_process(app, prices)
        costs.count(sent_message("US", "twilio"))
        await costs.write()
    assert [(row.currency, row.costs.messages) for row in (await report(app)).totals] == [
        ("EUR", 1),
        ("USD", 1),
    ]


async def test_a_service_token_needs_its_scope_for_the_report(app: AppHarness) -> None:
    actor = Actor(ActorKind.SERVICE_TOKEN, "billing")
    scopes = frozenset(Scope)
    period = CostPeriod(TODAY, TODAY)
    with pytest.raises(InsufficientScope):
        await app.use_cases.of(CostsFeature).report(
            Caller(actor, scopes - {Scope.READ_COSTS}), period, [CostGroup.COUNTRY]
        )
    await app.use_cases.of(CostsFeature).report(
        Caller(actor, frozenset({Scope.READ_COSTS})), period, [CostGroup.COUNTRY]
    )


async def test_costs_are_deleted_after_800_days_and_not_before(app: AppHarness) -> None:
    costs = app.use_cases.of(CostsFeature)
    costs.count(sent_message("US", "twilio"))
    await costs.write()
    midnight = NOW.replace(hour=0, minute=0)
    app.clock.advance(midnight + COSTS_RETENTION - NOW - timedelta(milliseconds=1))
    assert (await app.operations.cleanup())["expired_costs"] == 0
    app.clock.advance(timedelta(milliseconds=1))
    assert (await app.operations.cleanup())["expired_costs"] == 1
