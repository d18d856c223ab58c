"""The columns of plots, and the sentences that say the same."""

from entrypoints.http.console.statistics.plots import (
    COLUMN_WIDTH,
    HEIGHT,
    MAX_NAMED_COLUMNS,
    Bar,
    Series,
    plot_hours,
    plot_names,
)


def test_the_highest_number_has_the_full_height_and_none_has_no_column() -> None:
    plot = plot_hours("p", "Sent", ["a", "b", "c", "d"], Series("sent", [0, 10**6, 250_000, 1]))
    (bars,) = plot.bars
    assert plot.width == 4 * COLUMN_WIDTH
    # A small number is seen beside a large one.
    assert [(bar.y, bar.height) for bar in bars] == [(0, HEIGHT), (75, 25), (HEIGHT - 1, 1)]
    assert [bar.x // COLUMN_WIDTH for bar in bars] == [1, 2, 3]
    plot = plot_hours("p", "Messages", ["a", "b", "c"], Series("sent", [0, 0, 0]))
    assert (plot.title, plot.bars) == ("Messages: sent 0.", [[]])


def test_both_series_have_one_scale_and_the_second_is_in_front() -> None:
    plot = plot_names("p", "All", ["IN"], Series("sent", [10]), Series("logins", [5]))
    assert plot.bars == [[Bar(2, 0, 8, 100)], [Bar(4, 50, 4, 50)]]
    assert plot.names == ["sent", "logins"]
    # The only column does not fill the plot.
    assert (plot.labels, plot.width) == (["IN", "", "", ""], 4 * COLUMN_WIDTH)


def test_the_title_of_hours_has_the_totals_and_the_highest_hour() -> None:
    hours = [f"May 01 {hour:02}:00" for hour in range(5)]
    sent, logins = Series("sent", [0, 900, 2000, 3, 0]), Series("logins", [0, 0, 1, 0, 0])
    plot = plot_hours("p", "Messages", hours, sent, logins)
    assert plot.title == (
        "Messages: sent 2,903, logins 1. The most sent in an hour: 2,000, from May 01 02:00 UTC."
    )
    assert plot.labels == ["May 01 00:00", "May 01 02:00", "May 01 04:00"]


def test_the_first_names_are_columns_and_the_title_counts_the_others() -> None:
    names = [f"C{number}" for number in range(MAX_NAMED_COLUMNS + 3)]
    plot = plot_names("p", "Sent by country", names, Series("sent", [7] * len(names)))
    assert plot.labels == names[:MAX_NAMED_COLUMNS]
    assert len(plot.bars[0]) == MAX_NAMED_COLUMNS
    assert plot.title.startswith("Sent by country: C0: sent 7; C1: sent 7;")
    assert plot.title.endswith("; and 3 more in the table.")
