"""A report of costs as CSV, of the API, the console and the command."""

from collections.abc import Iterator
from typing import Any, Final

from litestar import Response

from domain.costs.prices import to_decimal
from domain.costs.report import CostReport
from entrypoints.csv_line import to_csv_line

MEDIA_TYPE: Final = "text/csv"


def csv_lines(report: CostReport) -> Iterator[str]:
    """Return a head, and a line for each row.

    There is no total, which a spreadsheet would sum again.
    """
    columns = ("currency", "amount", "millionths", "messages", "parts", "minutes")
    yield to_csv_line([*report.groups, *columns])
    for row in report.rows:
        costs = row.costs
        amounts = (row.currency, to_decimal(costs.millionths), costs.millionths)
        yield to_csv_line([*row.names, *amounts, costs.messages, costs.parts, costs.minutes])


def csv_response(report: CostReport) -> Response[Any]:
    """Return a file to download."""
    days = f"{report.period.first_day}-to-{report.period.last_day}"
    name = f"costs-{days}-by-{'-'.join(report.groups)}.csv"
    return Response(
        "".join(f"{line}\r\n" for line in csv_lines(report)),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
