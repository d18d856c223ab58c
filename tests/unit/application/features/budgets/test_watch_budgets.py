"""Budgets are compared with what was spent, once a minute, and stop strangers only."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from application.features.budgets.watch_budgets import WatchBudgets
from application.limits.restrictions import RestrictedClient
from application.ports.errors import StorageUnavailable
from domain.features.budgets.budget import Budget, Spent
from domain.otp.permits import Recognition
from domain.otp.rate_limits import Restriction
from tests.support.builders import CLIENT_IP, NOW, a_phone
from tests.support.fakes.clock import MovableClock

HOUR = timedelta(hours=1)
START = NOW.replace(minute=0)


@dataclass
class Amounts:
    """What all processes have written."""

    spent: dict[datetime, Mapping[str, int]] = field(default_factory=dict)
    reads: list[tuple[datetime, datetime]] = field(default_factory=list)
    is_away: bool = False

    async def __call__(self, first: datetime, last: datetime) -> Spent:
        self.reads.append((first, last))
        if self.is_away:
            raise StorageUnavailable
        return {hour: self.spent[hour] for hour in self.spent if first <= hour <= last}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOW)


@pytest.fixture
def amounts() -> Amounts:
    return Amounts()


@pytest.fixture
def watch(amounts: Amounts, clock: MovableClock) -> WatchBudgets:
    return WatchBudgets([Budget("US", 100), Budget("", 500)], amounts, clock)


def find(
    watch: WatchBudgets, clock: MovableClock, recognition: Recognition = Recognition.NONE
) -> Restriction | None:
    return watch.find_restriction(RestrictedClient(a_phone(), CLIENT_IP, recognition, clock.now()))


async def test_above_a_budget_strangers_need_a_proof_and_above_twice_of_it_wait(
    watch: WatchBudgets, amounts: Amounts, clock: MovableClock
) -> None:
    for spent, ends_with_proof in ((99, None), (100, True), (199, True), (200, False)):
        amounts.spent = {START: {"US": spent}}
        await watch()
        expected = ends_with_proof is not None and Restriction(
            name="budget", until=START + 25 * HOUR, ends_with_proof=ends_with_proof
        )
        assert find(watch, clock) == (expected or None)
        assert find(watch, clock, Recognition.DEVICE) is None
        assert watch.measure_all() == {"US": spent / 100, "total": spent / 500}


async def test_other_countries_wait_for_the_budget_of_all_only(
    watch: WatchBudgets, amounts: Amounts, clock: MovableClock
) -> None:
    amounts.spent = {START: {"IN": 499}, START - 2 * HOUR: {"DE": 1}}
    await watch()
    assert find(watch, clock) == Restriction(
        name="budget", until=START + 23 * HOUR, ends_with_proof=True
    )


async def test_older_hours_are_read_when_the_hour_changes_and_the_last_result_holds(
    watch: WatchBudgets, amounts: Amounts, clock: MovableClock
) -> None:
    amounts.spent = {START - 24 * HOUR: {"US": 60}, START - HOUR: {"US": 40}}
    await watch()
    await watch()
    day = START - 24 * HOUR
    assert amounts.reads == [(day, START), (START - HOUR, START)]
    assert find(watch, clock) is not None

    amounts.is_away = True
    with pytest.raises(StorageUnavailable):
        await watch()
    assert find(watch, clock) is not None

    amounts.is_away = False
    clock.advance(HOUR)
    await watch()
    assert amounts.reads[-1] == (day + HOUR, START + HOUR)
    assert find(watch, clock) is None


async def test_each_process_warns_once_an_hour(
    watch: WatchBudgets, amounts: Amounts, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    amounts.spent = {START: {"US": 150}}
    for _ in range(3):
        with caplog.at_level(logging.WARNING):
            await watch()
        clock.advance(timedelta(minutes=25))
    assert [record.msg for record in caplog.records] == [
        {
            "event": "budget_used_up",
            "country": "US",
            "percent": 150,
            "until": (START + 25 * HOUR).isoformat(),
        }
    ]
