"""A CSV file of what an import leaves out, which only its owner can read."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from entrypoints.commands.shared.new_file import explain_write_errors
from entrypoints.opening.startup_error import CommandError

# A spreadsheet reads a field that begins like this as a formula:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ReportFile:
    """Writes rows, none of which a spreadsheet reads as a formula."""

    def __init__(self, path: Path, file: TextIO) -> None:
        """Write to an open file."""
        self._path = path
        self._file = file
        self._writer = csv.writer(file)
        self.is_empty = True

    @property
    def how_to_continue(self) -> str:
        """What to do after an import that ended early."""
        more = "" if self.is_empty else f", with --replace for {self._path}"
        return f"What was imported stays. Run the same command again to continue{more}."

    def write(self, row: Sequence[str]) -> None:
        """Write a row; raises CommandError."""
        self.is_empty = False
        with explain_write_errors(self._path):
            self._writer.writerow([_escape(field) for field in row])
            self._file.flush()


@contextmanager
def open_report(path: Path, *, replaces: bool) -> Iterator[ReportFile]:
    """Create the file, and remove it at the end if it has no rows.

    What was written stays if the import ends early.

    Raises:
        CommandError: It exists and is not to be replaced, or it cannot be created.
    """
    with explain_write_errors(path):
        if replaces:
            path.unlink(missing_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError(
                f"{path} exists: --replace replaces it, or name another file."
            ) from None
    # JSON can have half a surrogate pair, which UTF-8 has not.
    file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")
    report = ReportFile(path, file)
    try:
        yield report
    finally:
        with suppress(OSError):  # closing writes again what the disk had no space for
            file.close()
        if report.is_empty:
            with suppress(OSError):
                path.unlink()


def _escape(field: str) -> str:
    return f"'{field}" if field.startswith(_FORMULA) else field
