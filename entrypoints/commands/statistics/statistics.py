"""`dialtone statistics`: how many messages, logins, rejections and security events there were."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from application.statistics.feature import StatisticsFeature
from domain.errors import InvalidValue
from domain.statistics.hourly_counts import DeliveryCounts
from domain.statistics.report import (
    Statistics,
    StatisticsQuery,
    make_query,
    parse_counted_country,
    parse_counted_provider,
)
from entrypoints.commands.columns import align_columns
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import find_operator
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.statistics import STATISTICS
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.settings import Settings

TOTAL: Final = "total"
_HOUR: Final = "%Y-%m-%d %H:%M"


def statistics(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Report the statistics of the last hours."""
    query, caller = _parse_query(arguments), find_operator()
    with explain_errors():
        report = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(StatisticsFeature).report(caller, query),
            [STATISTICS],
        )
    return [_to_json(report)] if arguments.json else render_statistics(report, arguments.by)


def _parse_query(arguments: Namespace) -> StatisticsQuery:
    option = "--country"
    try:
        country = None if arguments.country is None else parse_counted_country(arguments.country)
        option = "--provider"
        provider = (
            None if arguments.provider is None else parse_counted_provider(arguments.provider)
        )
        option = "--hours"
        return make_query(datetime.now(UTC), arguments.hours, country, provider)
    except InvalidValue as error:
        raise InvalidArgument(f"{option}: {error.message}") from None


def render_statistics(report: Statistics, by: str) -> Iterator[str]:
    """Return the lines of a report: the messages, then rejections and security events.

    Args:
        report: The report.
        by: What the messages are summed by: `country`, `provider`, `channel` or `hour`.
    """
    query = report.query
    selected = [text for text in (query.country, query.provider) if text]
    yield (
        f"{len(query.hours)} hours from {query.first_hour:{_HOUR}} (UTC), by {by}"
        f"{', only ' if selected else ''}{' and '.join(selected)}:"
    )
    if not (report.events or report.total != DeliveryCounts()):
        yield "Nothing was counted."
        return
    yield from align_columns(
        [
            (by, "sent", "delivered", "undelivered", "logins", "conversion"),
            *(_cells(name, counts) for name, counts in _rows(report, by)),
            _cells(TOTAL, report.total),
        ]
    )
    for title, counted in (("rejections by", report.rejections), ("security event", report.events)):
        if counted:
            yield ""
            yield from align_columns(_named(title, counted))


def _rows(report: Statistics, by: str) -> Sequence[tuple[str, DeliveryCounts]]:
    if by == "hour":
        return [(f"{row.starts_at:{_HOUR}}", row.counts) for row in report.by_hour]
    rows = {
        "country": report.by_country,
        "provider": report.by_provider,
        "channel": report.by_channel,
    }
    return [(row.name, row.counts) for row in rows[by]]


def _cells(name: str, counts: DeliveryCounts) -> tuple[str, ...]:
    conversion = "-" if counts.conversion is None else f"{counts.conversion} %"
    return (
        name,
        f"{counts.sent:,}",
        f"{counts.delivered:,}",
        f"{counts.undelivered:,}",
        f"{counts.logins:,}",
        conversion,
    )


def _named(title: str, counted: Mapping[str, int]) -> Sequence[tuple[str, ...]]:
    return [(title, "number"), *((name, f"{count:,}") for name, count in counted.items())]


def _to_json(report: Statistics) -> str:
    from msgspec import json

    from entrypoints.http.statistics.schemas import to_statistics_response

    return json.encode(to_statistics_response(report)).decode()
