"""A report of providers as CSV, of the API, the console and the command."""

from collections.abc import Iterator
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
            *("entered", "entered_percent", "currency", "amount", "price_of_entered"),
            "messages_without_amount",
        ]
    )
    summary = report.summary
    for row in summary.rows:
        group, figures = row.group, row.figures
        amounts = (
            "" if amount is None else to_decimal(amount)
            for amount in (figures.millionths, figures.price_of_entered)
        )
        yield to_csv_line(
            [
                *(group.country, group.channel.value, group.provider, figures.counts.sent),
                _or_empty(figures.delivered),
                _or_empty(figures.delivered_percent),
                figures.counts.logins,
                _or_empty(figures.entered_percent),
                summary.currency,
                *amounts,
                figures.without_amount.sent if summary.currency else "",
            ]
        )


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
