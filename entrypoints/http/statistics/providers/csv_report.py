"""A report of providers as CSV, of the API, the console and the command."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from litestar import Response

from application.statistics.report_providers import ProviderReport
from domain.costs.prices import to_decimal
from entrypoints.csv_line import to_csv_line

MEDIA_TYPE: Final = "text/csv"


def csv_lines(report: ProviderReport) -> Iterator[str]:
    """Return a head, and a line for each row. What is not known is empty; there is no total."""
    yield to_csv_line(
        [
            *("country", "channel", "provider", "messages", "delivered", "delivered_percent"),
            *("entered", "entered_percent", "currency", "amount", "millionths"),
            *("price_of_entered", "price_of_entered_millionths", "messages_without_amount"),
        ]
    )
    summary = report.summary
    for row in summary.rows:
        group, figures = row.group, row.figures
        yield to_csv_line(
            [
                *(group.country, group.channel.value, group.provider, figures.counts.sent),
                _or_empty(figures.delivered),
                _or_empty(figures.delivered_percent),
                figures.counts.logins,
                _or_empty(figures.entered_percent),
                summary.currency,
                *_amount_cells(figures.millionths),
                *_amount_cells(figures.price_of_entered),
                figures.without_amount.sent if summary.currency else "",
            ]
        )


def _amount_cells(millionths: int | None) -> Sequence[Decimal | int | str]:
    """Return an amount twice: as a decimal of the currency, and in millionths."""
    return ("", "") if millionths is None else (to_decimal(millionths), millionths)


def csv_response(report: ProviderReport) -> Response[Any]:
    """Return a file to download."""
    query = report.summary.query
    hours = f"{query.first_hour:%Y-%m-%dT%H}-to-{query.last_hour:%Y-%m-%dT%H}"
    return Response(
        "".join(f"{line}\r\n" for line in csv_lines(report)),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="providers-{hours}.csv"'},
    )


def _or_empty(number: float | None) -> float | str:
    return "" if number is None else number
