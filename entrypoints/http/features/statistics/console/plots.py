"""Plots: the columns that the template draws as SVG, and the sentence that says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 100
COLUMN_WIDTH: Final = 12
_BAR_WIDTHS: Final = (8, 4)
"""That of the first series, and of the second, which is in front of it."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of columns: its name, and the number of each column."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, in the units of the plot."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Columns from left to right.

    Attributes:
        width: The width in units. The height is `HEIGHT`.
        highest: The number of a column of the full height.
        bars: The rectangles of each series, without those of height 0.
    """

    id: str
    title: str
    labels: Sequence[str]
    width: int
    highest: int
    names: Sequence[str]
    bars: Sequence[Sequence[Bar]]


def plot_periods(
    plot_id: str, subject: str, starts: Sequence[str], period: str, *series: Series
) -> Plot:
    """Return a plot with a column for each hour or day, of one or two series.

    `subject` is what is plotted, such as `Messages by hour`. `period` is `hour` or `day`.
    """
    labels = [starts[0], starts[len(starts) // 2], starts[-1]] if len(starts) > 2 else starts
    first = series[0]
    totals = ", ".join(f"{each.name} {sum(each.values):,}" for each in series)
    title = f"{subject}: {totals}."
    if highest := max(first.values, default=0):
        start = starts[first.values.index(highest)]
        title += f" The most {first.name} in one {period}: {highest:,}, from {start} UTC."
    highest = max((value for each in series for value in each.values), default=0)
    return Plot(
        id=plot_id,
        title=title,
        labels=labels,
        width=len(starts) * COLUMN_WIDTH,
        highest=highest,
        names=[each.name for each in series],
        bars=[
            _bars(each.values, highest, width)
            for each, width in zip(series, _BAR_WIDTHS, strict=False)
        ],
    )


def _bars(values: Sequence[int], highest: int, width: float) -> Sequence[Bar]:
    offset = (COLUMN_WIDTH - width) / 2
    bars = []
    for column, value in enumerate(values):
        if value:
            # A small number is not invisible beside a large one.
            height = max(1.0, round(HEIGHT * value / highest, 1))
            bars.append(Bar(column * COLUMN_WIDTH + offset, HEIGHT - height, width, height))
    return bars
