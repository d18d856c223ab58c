"""A report of statistics as CSV, of the command and the console."""

from collections.abc import Iterator
from typing import Any

from litestar import Response

from domain.features.statistics.period_sums import Result
from domain.features.statistics.report import Statistics
from entrypoints.words.csv_line import to_csv_line


def csv_lines(report: Statistics) -> Iterator[str]:
    """Return a head, and a line for each row. No total, which a spreadsheet would sum again."""
    yield to_csv_line([*report.query.by, *Result])
    for row in report.rows:
        yield to_csv_line([*row.names, *(row.counts[result] for result in Result)])


def csv_response(report: Statistics) -> Response[Any]:
    """Return a file to download."""
    query = report.query
    days = f"{query.first.date()}-to-{query.last.date()}"
    name = f"statistics-{days}-by-{'-'.join(query.by)}.csv"
    return Response(
        "".join(f"{line}\r\n" for line in csv_lines(report)),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
