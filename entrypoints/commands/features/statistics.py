"""`dialtone statistics`: messages, logins and rejections."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import click
from msgspec import json

from domain.features.statistics import Counts, Result, Statistics
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.operator_name import find_operator
from entrypoints.commands.shared.options import at_most_one
from entrypoints.commands.shared.use_case_calls import call_feature
from entrypoints.features.statistics import STATISTICS
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.features.statistics.fields import (
    csv_lines,
    parse_query,
    to_statistics_response,
)
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import InvalidArgument


@click.command(
    cls=Command,
    examples=[
        "",
        "--hours 168 --by country --by provider",
        "--hours 6 --by prefix",
        "--from 2026-07-01 --until 2026-07-31 --csv",
    ],
)
@click.option(
    "--hours",
    metavar="N",
    help="How many hours, the current one included; at most 168 (default: 24).",
)
@click.option(
    "--from",
    "first_day",
    metavar="DAY",
    help="The first day, for statistics by day (default: the first of the last day's month).",
)
@click.option(
    "--until",
    "last_day",
    metavar="DAY",
    help="The last day, for statistics by day (default: today).",
)
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(["country", "channel", "provider", "prefix"]),
    help="What the messages are summed by; up to two of these, or prefix, for hours only (default:"
    " country).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON of the API.")
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print CSV, with a head, without totals, and with ' before what a spreadsheet would run.",
)
def statistics(
    settings: Settings,
    hours: str | None,
    first_day: str | None,
    last_day: str | None,
    by: Sequence[str],
    *,
    as_json: bool,
    as_csv: bool,
) -> Iterable[str]:
    """Report messages, logins and rejections of the last hours, or of some days.

    Days are at most 400. Hours and days are those of UTC; what the service counted within the last
    minute may be missing.
    """
    at_most_one(json=as_json, csv=as_csv)
    try:
        query = parse_query(
            datetime.now(UTC),
            hours=hours,
            first_day=first_day,
            last_day=last_day,
            by=",".join(by) or None,
        )
    except InvalidFields as error:
        first = error.field_errors[0]
        raise InvalidArgument(f"--{first.field}: {first.message}") from None
    operator = find_operator()
    report = call_feature(
        settings, STATISTICS, lambda statistics: statistics.report(operator, query)
    )
    if as_json:
        return [json.encode(to_statistics_response(report)).decode()]
    return csv_lines(report) if as_csv else _render(report)


def _render(report: Statistics) -> Iterator[str]:
    query = report.query
    by = " and ".join(query.by)
    unit = f"{query.period.name}{'s' if len(query.starts) > 1 else ''}"
    yield f"{len(query.starts)} {unit} from {query.first:%Y-%m-%d %H:%M} (UTC), by {by}:"
    if not report.rows:
        yield "Nothing was counted."
        return
    total = ("total", *[""] * (len(query.by) - 1))
    yield from _align(
        [
            (*query.by, *(result.replace("_", " ") for result in query.results)),
            *(_cells(row.names, row.counts, query.results) for row in report.rows),
            _cells(total, report.total, query.results),
        ],
        len(query.by),
    )
    if report.rejections:
        yield ""
        rejections = [(limit, f"{count:,}") for limit, count in report.rejections.items()]
        yield from _align([("rejections by", "number"), *rejections], 1)


def _cells(names: Sequence[str], counts: Counts, results: Sequence[Result]) -> tuple[str, ...]:
    return (*names, *(f"{counts[result]:,}" for result in results))


def _align(rows: Sequence[tuple[str, ...]], names: int) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            text.ljust(width) if column < names else text.rjust(width)
            for column, (text, width) in enumerate(cells)
        )
