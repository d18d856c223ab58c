"""A CSV file about the rows of an import, which only its owner can read."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from entrypoints.commands.new_file import create_file
from entrypoints.opening.startup_error import CommandError

# A spreadsheet reads a field that begins like this as a formula:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

WriteRow = Callable[[Sequence[str]], None]


@contextmanager
def open_report(
    path: Path, columns: Sequence[str], *, replaces: bool = False
) -> Iterator[WriteRow]:
    """Create the file, and yield what writes a row. A file that exists is replaced or kept.

    It is removed if the block does not complete.

    Raises:
        CommandError: it exists and is not to be replaced, or cannot be written.
    """
    if replaces:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CommandError(f"{path} cannot be replaced: {error.strerror}.") from None
    with create_file(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text)

        def write_row(row: Sequence[str]) -> None:
            try:
                writer.writerow(map(escape, row))
            except OSError as error:
                raise CommandError(f"{path} cannot be written: {error.strerror}.") from None

        write_row(columns)
        yield write_row
        try:
            text.flush()
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        text.detach()


def escape(field: str) -> str:
    """Return a field that no spreadsheet reads as a formula."""
    return f"'{field}" if field.startswith(_FORMULA) else field
