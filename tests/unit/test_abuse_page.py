"""`docs/abuse.md` and `docs/proofs.md` have the limits. The benchmark simulates all floods."""

import pytest

from tests.benchmarks.abuse_page import PAGE, PROOFS_PAGE, render_proofs, render_summary
from tests.benchmarks.flood_plans import FLOODS, Flood, Place
from tests.benchmarks.floods import flood

SMALLER = (10, 12)
"""Fewer IPs than the most from which everybody is served."""
QUICK = [
    plan for plan in FLOODS if plan.own_numbers < 10 and plan.ips <= 250 and plan.ips not in SMALLER
]


def test_the_page_names_the_attacks_that_the_limits_allow() -> None:
    # python -m tests.benchmarks.abuse_page
    assert render_summary() in PAGE.read_text(encoding="utf-8")
    assert render_proofs() in PROOFS_PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "plan",
    [
        # A flood of a whole country takes hundreds of messages.
        pytest.param(plan, id=plan.title, marks=[pytest.mark.exhaustive] * is_of_country)
        for plan in QUICK
        for is_of_country in [plan.place is Place.ELSEWHERE]
    ],
)
async def test_a_flood_rejects_whom_the_page_says_and_nobody_else(plan: Flood) -> None:
    assert (await flood(plan)).violations == []
