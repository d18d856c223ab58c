"""Plots: the columns that the template draws as SVG, and the sentence that says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 100
COLUMN_WIDTH: Final = 12
_BAR_WIDTHS: Final = (8, 4)
"""That of the first series, and of the second, which is in front of it."""
MAX_NAMED_COLUMNS: Final = 8
"""How many countries or providers a plot has. The table has all."""
_MIN_NAMED_COLUMNS: Final = 4
"""How many it has room for: the column of the only one would fill it."""


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
        id: Names the plot in its page.
        title: What screen readers say in its place.
        labels: The texts below it: one for each column, or the first, the middle and the last.
        width: The width in units. The height is `HEIGHT`.
        highest: The number of a column of the full height.
        names: The names of the series, in the order of `bars`.
        bars: The rectangles of each series, without those of height 0.
    """

    id: str
    title: str
    labels: Sequence[str]
    width: int
    highest: int
    names: Sequence[str]
    bars: Sequence[Sequence[Bar]]


def plot_hours(plot_id: str, subject: str, hours: Sequence[str], *series: Series) -> Plot:
    """Return a plot with a column for each hour.

    Args:
        plot_id: Names the plot in its page.
        subject: What is plotted, such as `Messages by hour`.
        hours: The start of each hour as text.
        series: One or two, each with a number for each hour.
    """
    labels = [hours[0], hours[len(hours) // 2], hours[-1]] if len(hours) > 2 else hours
    first = series[0]
    sentence = ""
    if highest := max(first.values, default=0):
        hour = hours[first.values.index(highest)]
        sentence = f" The most {first.name} in an hour: {highest:,}, from {hour} UTC."
    return _plot(plot_id, f"{subject}: {_totals(series)}.{sentence}", labels, len(hours), series)


def plot_names(plot_id: str, subject: str, names: Sequence[str], *series: Series) -> Plot:
    """Return a plot with a column for each of the first countries or providers.

    Args:
        plot_id: Names the plot in its page.
        subject: What is plotted, such as `Messages by country`.
        names: All names, the most first.
        series: One or two, each with a number for each name.
    """
    shown = names[:MAX_NAMED_COLUMNS]
    cut = [Series(each.name, each.values[:MAX_NAMED_COLUMNS]) for each in series]
    numbers = zip(shown, *(each.values for each in cut), strict=True)
    described = "; ".join(f"{name}: {_join(cut, values)}" for name, *values in numbers)
    rest = f"; and {len(names) - len(shown)} more in the table" if names[len(shown) :] else ""
    title = f"{subject}: {described}{rest}."
    labels = [*shown, *[""] * (_MIN_NAMED_COLUMNS - len(shown))]
    return _plot(plot_id, title, labels, len(labels), cut)


def _plot(
    plot_id: str, title: str, labels: Sequence[str], columns: int, series: Sequence[Series]
) -> Plot:
    highest = max((value for each in series for value in each.values), default=0)
    return Plot(
        id=plot_id,
        title=title,
        labels=labels,
        width=columns * COLUMN_WIDTH,
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


def _totals(series: Sequence[Series]) -> str:
    return _join(series, [sum(each.values) for each in series])


def _join(series: Sequence[Series], values: Sequence[int]) -> str:
    return ", ".join(f"{each.name} {value:,}" for each, value in zip(series, values, strict=True))
