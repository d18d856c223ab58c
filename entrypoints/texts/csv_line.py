"""A line of CSV, which no spreadsheet runs."""

import csv
import re
from collections.abc import Iterable
from io import StringIO
from typing import Final

# OWASP, "CSV Injection": what a spreadsheet runs at the beginning of a cell, also in a full-width
# form or after spaces and quotes, which it drops; and after what another one takes for the end of a
# cell.
_FORMULA: Final = re.compile(
    r"(?:^|(?<=[;\t\r\n]))(?=[\t\r\n]|[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


def to_csv_line(values: Iterable[object]) -> str:
    """Return the cells of a line, RFC 4180 but for its end. None is an empty cell."""
    line = StringIO()
    cells = ["" if value is None else _FORMULA.sub("'", str(value)) for value in values]
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return line.getvalue()
