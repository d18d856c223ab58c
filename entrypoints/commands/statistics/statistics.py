"""`dialtone statistics`: messages, logins and rejections, and what they cost."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from msgspec import json

from application.statistics.feature import StatisticsFeature
from domain.costs.prices import format_amount
from domain.statistics.period_sums import Counts
from domain.statistics.report import Statistics, StatisticsQuery
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import find_operator
from entrypoints.commands.statistics.columns import align_columns
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.statistics import STATISTICS
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.statistics.csv_report import csv_lines
from entrypoints.http.statistics.query import parse_query
from entrypoints.http.statistics.schemas import to_statistics_response
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.settings import Settings


def statistics(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Report the statistics of the last hours, or of some days."""
    query, caller = _parse_query(arguments), find_operator()
    with explain_errors():
        report = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(StatisticsFeature).report(caller, query),
            [STATISTICS],
        )
    if arguments.json:
        return [json.encode(to_statistics_response(report)).decode()]
    return csv_lines(report) if arguments.csv else _render(report)


def _parse_query(arguments: Namespace) -> StatisticsQuery:
    try:
        return parse_query(
            datetime.now(UTC),
            hours=arguments.hours,
            first_day=arguments.first_day,
            last_day=arguments.last_day,
            by=",".join(arguments.by) if arguments.by else None,
        )
    except InvalidFields as error:
        first = error.field_errors[0]
        raise InvalidArgument(f"--{first.field}: {first.message}") from None


def _render(report: Statistics) -> Iterator[str]:
    """Return the lines of a report: the messages, then rejections."""
    query = report.query
    by = " and ".join(query.by)
    unit = f"{query.period.name}{'s' if len(query.starts) > 1 else ''}"
    yield f"{len(query.starts)} {unit} from {query.first:%Y-%m-%d %H:%M} (UTC), by {by}:"
    if not (report.rows or report.rejections):
        yield "Nothing was counted."
        return
    amounts = ("amount", "phone line") if report.currency else ()
    total = ("total", *[""] * (len(query.by) - 1))
    yield from align_columns(
        [
            (*query.by, "sent", "delivered", "undelivered", "logins", *amounts),
            *(_cells(report, row.names, row.counts) for row in report.rows),
            _cells(report, total, report.total),
        ],
        len(query.by),
    )
    if report.rejections:
        yield ""
        rejections = [(limit, f"{count:,}") for limit, count in report.rejections.items()]
        yield from align_columns([("rejections by", "number"), *rejections])


def _cells(report: Statistics, names: Sequence[str], counts: Counts) -> tuple[str, ...]:
    numbers = (counts.sent, counts.delivered, counts.undelivered, counts.logins)
    amounts = (counts.millionths, counts.line_millionths) if report.currency else ()
    return (
        *names,
        *(f"{number:,}" for number in numbers),
        *(f"{format_amount(amount)} {report.currency}" for amount in amounts),
    )
