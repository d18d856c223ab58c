"""A budget: what counts, and until when strangers wait."""

from datetime import timedelta

import pytest

from domain.features.budgets.budget import Budget, Spent
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
START = NOW.replace(minute=0)
SPENT: Spent = {
    START - 25 * HOUR: {"IN": 1_000},
    START - 24 * HOUR: {"IN": 30, "US": 5},
    START - 3 * HOUR: {"IN": 50},
    START: {"IN": 20, "US": 7},
}


def test_the_running_hour_and_24_before_it_count_in_the_country_or_in_all() -> None:
    assert Budget("IN", 1).sum_spent(SPENT, NOW) == 100
    assert Budget("US", 1).sum_spent(SPENT, NOW) == 12
    assert Budget("", 1).sum_spent(SPENT, NOW) == 112
    assert Budget("DE", 1).sum_spent(SPENT, NOW) == 0


@pytest.mark.parametrize(
    ("amount", "hours"),
    [(101, None), (100, 1), (71, 1), (70, 22), (21, 22), (20, 25), (1, 25)],
)
def test_it_is_available_at_the_first_full_hour_at_which_the_sum_is_below_it(
    amount: int, hours: int | None
) -> None:
    expected = None if hours is None else START + hours * HOUR
    assert Budget("IN", amount).available_at(SPENT, NOW) == expected
