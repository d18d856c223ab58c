"""The first part of `docs/abuse.md` is that of the limits. The benchmark simulates all floods."""

import pytest

from tests.benchmarks.abuse_page import PAGE, render_proofs, render_summary
from tests.benchmarks.flood_plans import FLOODS, Flood
from tests.benchmarks.floods import flood

QUICK = [plan for plan in FLOODS if plan.own_numbers < 10 and plan.ips <= 250]


def test_the_page_names_the_attacks_that_the_limits_allow() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert render_summary() in text  # python -m tests.benchmarks.abuse_page
    assert render_proofs() in text


@pytest.mark.parametrize("plan", QUICK, ids=[plan.title for plan in QUICK])
async def test_a_flood_rejects_whom_the_page_says_and_nobody_else(plan: Flood) -> None:
    assert (await flood(plan)).violations == []
