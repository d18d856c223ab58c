"""A simulated month: `make bench ARGS=month`."""

import asyncio
import gc
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from random import Random
from typing import Final

from tests.benchmarks.month.attackers import ATTACKERS, Attack
from tests.benchmarks.month.countries import BY_CODE
from tests.benchmarks.month.customers import DAYS_BEFORE, HOUR, REGULARS, Customers
from tests.benchmarks.month.ledger import Ledger
from tests.benchmarks.month.page import make_report, render, write_page
from tests.benchmarks.month.providers import INCIDENTS
from tests.benchmarks.month.schedule import Schedule
from tests.benchmarks.month.service import MonthService
from tests.support.fakes.instant_loop import InstantLoop

SEED: Final = "a month"
MONTH: Final = datetime(2026, 6, 1, tzinfo=UTC)
DAYS: Final = 30
SIGN_INS_AN_HOUR: Final = 60
"""Sign-ins of customers, on average."""
INCIDENT_STEP: Final = timedelta(seconds=15)
EVENTFUL_STEP: Final = timedelta(minutes=2)
QUIET_STEP: Final = timedelta(minutes=5)
"""How often the acts in the background are done: while a provider is degraded, while an attacker
acts and after both, and otherwise. The service itself waits five seconds."""
PROGRESS_DAYS: Final = 5
"""After how many simulated days the date is printed."""
VICTIM: Final = 7
"""The number of the customer whose phone is flooded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthPlan:
    """A month that is simulated."""

    seed: str = SEED
    days: int = DAYS
    sign_ins_an_hour: int = SIGN_INS_AN_HOUR
    regulars: int = REGULARS
    has_attackers: bool = True


async def simulate(plan: MonthPlan) -> Ledger:
    """Return what happened in a month."""
    service = MonthService(MONTH, plan.seed, MONTH - timedelta(days=DAYS_BEFORE))
    schedule = Schedule(service)
    customers = Customers(service, schedule, plan.seed, plan.sign_ins_an_hour)
    customers.register_regulars(plan.regulars, MONTH)
    if plan.has_attackers:
        for attacker in ATTACKERS:
            random = Random(f"{plan.seed} {attacker.name}")
            victim = BY_CODE[attacker.countries[0]].phone(VICTIM)
            Attack(attacker, service, schedule, random, victim).plan(MONTH)
    for hour in range(-24 * DAYS_BEFORE, 24 * plan.days):
        begin = MONTH + timedelta(hours=hour)
        if hour >= 0:
            customers.plan_hour(begin, MONTH)
        if plan.has_attackers and hour % (24 * PROGRESS_DAYS) == 0:
            print(f"{begin:%d %B %Y}", file=sys.stderr, flush=True)
        step = _background_step(begin)
        for number in range(HOUR // step):
            await schedule.run(begin + (number + 1) * step)
            await service.update()
        await service.clean_up()
    return service.ledger


def _background_step(hour: datetime) -> timedelta:
    """Return how often the acts in the background are done in an hour."""
    if hour < MONTH:
        return HOUR
    if any(one.begin(MONTH) <= hour < one.end(MONTH) for one in INCIDENTS):
        return INCIDENT_STEP
    is_eventful = any(
        one.begin(MONTH) <= hour < one.end(MONTH) + 2 * HOUR for one in (*INCIDENTS, *ATTACKERS)
    )
    return EVENTFUL_STEP if is_eventful else QUIET_STEP


def simulate_at_once(plan: MonthPlan) -> Ledger:
    """Return what happened in a month. The real time limits of the service pass at once."""
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        return runner.run(simulate(plan))


def simulate_month(plan: MonthPlan, *, writes_page: bool) -> None:
    """Simulate a month with attackers and the same one without, and print the figures.

    Raises:
        SystemExit: An aim is not met.
    """
    started_at = time.perf_counter()
    os.environ["PYTHONHASHSEED"] = "0"  # of the processes that are started now
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        months = [replace(plan, has_attackers=has_attackers) for has_attackers in (True, False)]
        attacked, quiet = pool.map(_simulate, months)
    report = make_report(attacked, quiet, MONTH)
    page = render(report, plan.seed)
    print(f"\n{page}\nsimulated in {(time.perf_counter() - started_at) / 60:.1f} minutes")
    if writes_page:
        write_page(page)
    if failures := [aim.text for aim in report.aims if aim.failures]:
        raise SystemExit("\n".join(["Aims that are not met:", *failures]))


def _simulate(plan: MonthPlan) -> Ledger:
    logging.disable()
    gc.disable()  # nothing makes circles that matter, and it would look at all records again
    return simulate_at_once(plan)
