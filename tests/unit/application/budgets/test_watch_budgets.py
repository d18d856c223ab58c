"""Operators see what is used of a budget, and are warned of it once a day."""

import logging

import pytest

from application.administration.caller import Caller
from domain.administration.audit import Actor, ActorKind
from domain.budgets.budgets import Budget
from tests.unit.application.budgets.budget_harness import PRICE, open_budgets

CALLER = Caller(Actor(ActorKind.OPERATING_SYSTEM_USER, "root"))


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[tuple[object, object, object]]:
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [(line["event"], line["country"], line["percent"]) for line in lines]


async def test_each_warning_comes_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    app = open_budgets(Budget("", None, 20 * PRICE), Budget("US", 4 * PRICE, None))
    caplog.set_level(logging.WARNING, "application.budgets.watch_budgets")
    watch = app.budgets.watch
    assert watch is not None
    seen: dict[int, list[tuple[object, object, object]]] = {}
    for number in range(10):
        await app.request_one(number, is_by_operator=True)
        for _ in range(2):
            await watch.warn()
        if new := warnings_in(caplog):
            seen[number + 1] = new
        caplog.clear()

    assert seen == {
        2: [("budget_used", "US", 50)],
        4: [("budget_used", "US", 80), ("budget_used", "US", 100)],
        10: [("hard_budget_used", "", 50)],
    }
    app.advance(hours=25)
    await app.request_many(2, 20, is_by_operator=True)
    await watch.warn()
    assert warnings_in(caplog) == [("budget_used", "US", 50)]


async def test_a_hard_end_that_has_less_than_a_message_costs_is_used_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = open_budgets(Budget("", None, 3 * PRICE - 1))
    assert app.budgets.watch is not None

    assert await app.request_many(3) == ["hard_budget_total"]
    caplog.clear()
    await app.budgets.watch.warn()

    assert [percent for *_, percent in warnings_in(caplog)] == [50, 80, 100]


async def test_a_warning_says_amounts_in_the_currency(caplog: pytest.LogCaptureFixture) -> None:
    app = open_budgets(Budget("US", 2 * PRICE, None))
    assert app.budgets.watch is not None
    await app.request_one(0)
    caplog.clear()

    await app.budgets.watch.warn()

    line = caplog.records[-1].msg
    assert isinstance(line, dict)
    assert line == {
        "event": "budget_used",
        "country": "US",
        "percent": 50,
        "used": "0.000010",
        "amount": "0.000020",
        "currency": "USD",
    }


async def test_shares_are_by_country() -> None:
    app = open_budgets(Budget("", 20 * PRICE, 40 * PRICE), Budget("US", 4 * PRICE, None))
    assert app.budgets.watch is not None
    await app.request_one(0)

    assert await app.budgets.watch.measure_shares(lambda budget: budget.amount) == {
        "total": 0.05,
        "US": 0.25,
    }
    assert await app.budgets.watch.measure_shares(lambda budget: budget.hard_end) == {
        "total": 0.025
    }


async def test_budgets_are_shown_to_those_who_see_costs() -> None:
    app = open_budgets(Budget("", 100 * PRICE, None))
    await app.request_many(2)
    await app.request_one(3, is_by_operator=True)

    [use] = await app.budgets.show(CALLER)

    assert (use.used, use.used_by_strangers, use.used_in_hour) == (3 * PRICE, 2 * PRICE, 2 * PRICE)


async def test_limits_show_the_parts_of_strangers_in_the_currency() -> None:
    app = open_budgets(Budget("US", 100_000_000, None))

    uses = [use for use in await app.limits.measure_limits() if use.limit.startswith("budget")]

    assert {(use.limit, use.format_number(use.allowed)) for use in uses} == {
        ("budget_per_country", "60.00 USD"),
        ("budget_hour_per_country", "10.00 USD"),
    }


async def test_without_budgets_nothing_is_watched_or_kept() -> None:
    app = open_budgets()

    assert app.budgets.watch is None
    assert app.otp.extensions.spending is None
    assert app.limits.limits.terms == []
    assert await app.budgets.show(CALLER) == []
