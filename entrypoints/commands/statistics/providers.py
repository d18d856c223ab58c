"""`dialtone providers`: what each provider delivers, which codes are entered, what these cost."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from application.statistics.feature import StatisticsFeature
from application.statistics.report_providers import ProviderReport
from domain.costs.prices import format_amount
from domain.errors import InvalidValue
from domain.statistics.provider_report import (
    ProviderFigures,
    ProviderSummary,
    make_provider_query,
    parse_time,
)
from domain.statistics.report import StatisticsQuery, parse_counted_country
from entrypoints.commands.columns import align_columns
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import find_operator
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.core.limits import LIMITS
from entrypoints.core.otp import OTP
from entrypoints.features.statistics import STATISTICS
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.settings import Settings

_HOUR: Final = "%Y-%m-%d %H:%M"
UNKNOWN: Final = "\N{EN DASH}"
"""In the place of a figure that is not known."""
LACKING: Final = "*"
"""After an amount that does not have the costs of all messages."""


def providers(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Report the providers in a period, and those that are left now."""
    query, caller = _parse_query(arguments), find_operator()
    with explain_errors():
        report = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(StatisticsFeature).report_providers(caller, query),
            [LIMITS, OTP, STATISTICS],
        )
    return _RENDERERS[arguments.format](report)


def _parse_query(arguments: Namespace) -> StatisticsQuery:
    option = "--country"
    try:
        country = None if arguments.country is None else parse_counted_country(arguments.country)
        option = "--to"
        last = None if arguments.last is None else parse_time(arguments.last, is_end=True)
        option = "--from"
        first = None if arguments.first is None else parse_time(arguments.first, is_end=False)
        return make_provider_query(datetime.now(UTC), first, last, country)
    except InvalidValue as error:
        raise InvalidArgument(f"{option}: {error.message}") from None


def render_providers(report: ProviderReport) -> Iterator[str]:
    """Return the lines of a report: a table with a total, and the providers that are left."""
    summary = report.summary
    query = summary.query
    only = f", only {query.country}" if query.country else ""
    yield (
        f"{len(query.hours)} hours from {query.first_hour:{_HOUR}} (UTC), by country, channel and "
        f"provider{only}:"
    )
    if summary.rows:
        head = ("messages", "delivered", "", "entered", "", "amount", "price of an entered code")
        rows = [
            (
                *(row.group.country, row.group.channel.value, row.group.provider),
                *_cells(row.figures, summary),
            )
            for row in summary.rows
        ]
        yield from align_columns(
            [
                ("country", "channel", "provider", *head),
                *rows,
                ("total", "", "", *_cells(summary.total, summary)),
            ],
            3,
        )
    else:
        yield "Nothing was counted."
    if summary.rows and not summary.currency:
        yield "No costs were counted in this time: DIALTONE_PRICES names a file with prices."
    if lacking := summary.total.without_amount.sent:
        yield (
            f"{LACKING} Without {lacking:,} messages or calls, which were counted without prices in"
            f" {summary.currency}. The price is that of the others."
        )
    for state in report.left:
        yield (
            f"{state.provider} is tried last in {state.country} by {state.channel} since "
            f"{state.since:{_HOUR}}, at least until {state.until:{_HOUR}} (UTC): {state.reason}"
        )


def _cells(figures: ProviderFigures, summary: ProviderSummary) -> tuple[str, ...]:
    delivered = UNKNOWN if figures.delivered is None else f"{figures.delivered:,}"
    mark = f" {LACKING}" if figures.without_amount.sent else ""
    return (
        f"{figures.counts.sent:,}",
        delivered,
        _percent(figures.delivered_percent),
        f"{figures.counts.logins:,}",
        _percent(figures.entered_percent),
        _amount(figures.millionths, summary.currency) + mark,
        _amount(figures.price_of_entered, summary.currency),
    )


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share} %"


def _amount(millionths: int | None, currency: str) -> str:
    return UNKNOWN if millionths is None else f"{format_amount(millionths)} {currency}"


def _render_json(report: ProviderReport) -> Iterable[str]:
    from msgspec import json

    from entrypoints.http.statistics.providers.schemas import to_providers_response

    return [json.encode(to_providers_response(report)).decode()]


def _render_csv(report: ProviderReport) -> Iterable[str]:
    from entrypoints.http.statistics.providers.csv_report import csv_lines

    return csv_lines(report)


_RENDERERS: Final[Mapping[str, Callable[[ProviderReport], Iterable[str]]]] = {
    "table": render_providers,
    "json": _render_json,
    "csv": _render_csv,
}
