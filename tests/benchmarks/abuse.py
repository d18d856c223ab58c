"""What abuse achieves: guesses that are checked, messages that are sent, owners who are served.

Attacks are simulated in memory with a moving clock, so that a day takes seconds.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final

from tests.benchmarks.abuse_page import render, write_page
from tests.benchmarks.flood_plans import FLOODS
from tests.benchmarks.floods import flood, guess_everywhere
from tests.benchmarks.owners import CROWDS, OWNERS, attack_one_phone

GUESSING_SITES: Final = ((1, 1), (10, 1), (34_000, 1), (20, 50))
"""Numbers of sites, and of the IPs of each."""

Scenario = Callable[..., Coroutine[Any, Any, object]]


def simulate_abuse() -> None:
    """Simulate all attacks, and write the figures.

    Raises:
        SystemExit: the page would not be true.
    """
    started_at = time.perf_counter()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:

        def start(scenario: Scenario, *arguments: Any) -> Future[Any]:
            return pool.submit(_simulate, scenario, *arguments)

        futures = (
            [
                start(attack_one_phone, owner, ips, in_bursts)
                for owner in OWNERS
                for ips in CROWDS
                for in_bursts in (False, True)
            ],
            [start(flood, plan) for plan in FLOODS],
            [start(guess_everywhere, *sites) for sites in GUESSING_SITES],
        )
        results = [[future.result() for future in same_kind] for same_kind in futures]
    page = render(*results)
    print(f"\n{page}\nsimulated in {time.perf_counter() - started_at:.0f} s")
    write_page(page)
    violations = [text for same_kind in results for one in same_kind for text in one.violations]
    if violations:
        raise SystemExit("\n".join(["Not as the page says:", *violations]))


def _simulate(scenario: Scenario, *arguments: Any) -> object:
    logging.disable()
    return asyncio.run(scenario(*arguments))
