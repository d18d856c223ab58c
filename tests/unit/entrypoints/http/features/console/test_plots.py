"""The columns of plots, and the sentences that say the same."""

from entrypoints.http.features.statistics.console.part import (
    COLUMN_WIDTH,
    HEIGHT,
    Bar,
    Series,
    plot_periods,
)


def test_the_highest_number_has_the_full_height_and_none_has_no_column() -> None:
    plot = plot_periods(
        "p", "Sent", ["a", "b", "c", "d"], "hour", Series("sent", [0, 10**6, 250_000, 1])
    )
    (bars,) = plot.bars
    assert plot.width == 4 * COLUMN_WIDTH
    # A small number is seen beside a large one.
    assert [(bar.y, bar.height) for bar in bars] == [(0, HEIGHT), (75, 25), (HEIGHT - 1, 1)]
    assert [bar.x // COLUMN_WIDTH for bar in bars] == [1, 2, 3]
    plot = plot_periods("p", "Messages", ["a", "b", "c"], "hour", Series("sent", [0, 0, 0]))
    assert (plot.title, plot.bars) == ("Messages: sent 0.", [[]])


def test_both_series_have_one_scale_and_the_second_is_in_front() -> None:
    plot = plot_periods("p", "All", ["a"], "day", Series("sent", [10]), Series("logins", [5]))
    assert plot.bars == [[Bar(2, 0, 8, 100)], [Bar(4, 50, 4, 50)]]
    assert (plot.names, plot.labels) == (["sent", "logins"], ["a"])
