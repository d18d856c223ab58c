"""Counts in which one network or range has 5 % at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversion.capped import CappedCounts, cap_counts
from domain.conversion.counts import CellCounts


def people(number: int) -> list[CellCounts]:
    return [CellCounts(f"network {each}", f"range {each}", 1, 1) for each in range(number)]


@pytest.mark.parametrize(
    ("cells", "capped"),
    [
        ([], CappedCounts()),
        (people(19), CappedCounts(19, 19)),
        (people(20), CappedCounts(20, 20)),
        (people(100), CappedCounts(100, 100)),
        ([CellCounts(f"network {each}", "range", 9, 9) for each in range(50)], CappedCounts(1, 1)),
        # Of fewer than 20, each is one code.
        ([CellCounts(str(each), str(each), 900, 300) for each in range(6)], CappedCounts(6, 2)),
        # 100 of others are 95 %.
        ([*people(100), CellCounts("a", "b", 900, 0)], CappedCounts(100 / 0.95, 100)),
        (
            [*people(95), *(CellCounts(f"network {each}", "r", 9, 0) for each in range(95, 200))],
            CappedCounts(100, 95),
        ),
        # Of one cell the counts of all its records are one.
        ([*people(95), *([CellCounts("a", "b", 1, 0)] * 50)], CappedCounts(100, 95)),
    ],
)
def test_one_network_or_range_has_five_percent_at_most(
    cells: list[CellCounts], capped: CappedCounts
) -> None:
    found = cap_counts(cells)
    assert found.sent == pytest.approx(capped.sent, abs=0.01)
    assert found.entered == pytest.approx(capped.entered, abs=0.01)


@given(
    st.lists(
        st.builds(
            lambda network, number_range, sent: CellCounts(
                str(network), str(number_range), sent, sent // 2
            ),
            st.integers(0, 30),
            st.integers(0, 30),
            st.integers(0, 1_000),
        ),
        max_size=60,
    )
)
def test_a_cap_never_adds_anything(cells: list[CellCounts]) -> None:
    found = cap_counts(cells)
    assert 0 <= found.entered <= found.sent <= sum(cell.sent for cell in cells) + 1e-6


def test_the_share_of_nothing_is_nothing() -> None:
    assert CappedCounts().share == 0
    assert (CappedCounts(4, 1) + CappedCounts(4, 3)).share == 0.5
