"""`dialtone costs`: what messages and calls cost."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

from application.costs.feature import CostsFeature
from domain.costs.prices import format_amount
from domain.costs.report import (
    TOTAL,
    CostPeriod,
    CostReport,
    CostRow,
    make_period,
    parse_day,
    parse_groups,
)
from domain.errors import InvalidValue, UnsupportedValue
from entrypoints.commands.columns import align_columns
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import find_operator
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.statistics import STATISTICS, StatisticsSettings
from entrypoints.opening.startup_error import CommandError, InvalidArgument
from entrypoints.settings.declaration import example_line
from entrypoints.settings.settings import Settings

NOT_COUNTED: Final = (
    "No costs are counted, because DIALTONE_PRICES is not set. It names a file with the prices of "
    f"your providers, see docs/costs.md. {example_line(StatisticsSettings, 'DIALTONE_PRICES')}"
)


def costs(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Report the costs of a period, with a total line for each currency."""
    if settings.of(StatisticsSettings).prices is None:
        raise CommandError(NOT_COUNTED)
    period, caller = _parse_period(arguments), find_operator()
    try:
        groups = parse_groups(arguments.by)
    except UnsupportedValue as error:
        raise InvalidArgument(f"--by: {error.message}") from None
    with explain_errors():
        report = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(CostsFeature).report(caller, period, groups),
            [STATISTICS],
        )
    return _RENDERERS[arguments.format](report)


def _parse_period(arguments: Namespace) -> CostPeriod:
    first, last = _parse_day("--from", arguments.first), _parse_day("--to", arguments.last)
    try:
        return make_period(first, last, datetime.now(UTC).date())
    except InvalidValue as error:
        raise InvalidArgument(f"--from: {error.message}") from None


def _parse_day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else parse_day(text)
    except InvalidValue as error:
        raise InvalidArgument(f"{option}: {error.message}") from None


def render_costs(report: CostReport) -> Iterator[str]:
    """Return the lines of a report: a table, with a total line for each currency."""
    period = report.period
    yield f"From {period.first_day} to {period.last_day} (UTC), by {' and '.join(report.groups)}:"
    if not report.rows:
        yield "Nothing was counted."
        return
    rows = [
        (*report.groups, "messages", "parts", "minutes", "amount"),
        *(_cells(row, row.names) for row in report.rows),
        *(_cells(row, (TOTAL, *[""] * (len(report.groups) - 1))) for row in report.totals),
    ]
    yield from align_columns(rows, len(report.groups))


def _cells(row: CostRow, names: Sequence[str]) -> tuple[str, ...]:
    costs = row.costs
    return (
        *names,
        f"{costs.messages:,}",
        f"{costs.parts:,}",
        f"{costs.minutes:,}",
        f"{format_amount(costs.millionths)} {row.currency}",
    )


def _render_json(report: CostReport) -> Iterable[str]:
    from msgspec import json

    from entrypoints.http.statistics.costs.schemas import to_report_response

    return [json.encode(to_report_response(report)).decode()]


def _render_csv(report: CostReport) -> Iterable[str]:
    from entrypoints.http.statistics.costs.csv_report import csv_lines

    return csv_lines(report)


_RENDERERS: Final[Mapping[str, Callable[[CostReport], Iterable[str]]]] = {
    "table": render_costs,
    "json": _render_json,
    "csv": _render_csv,
}
