"""A CSV file of what an import leaves out, which only its owner can read."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Final

from entrypoints.commands.shared.new_file import explain_write_errors
from entrypoints.opening.startup_error import CommandError

# A spreadsheet reads a field that begins like this as a formula:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ReportFile:
    """Writes whole rows, none of which a spreadsheet reads as a formula."""

    def __init__(self, path: Path, descriptor: int, *, replaces: bool) -> None:
        self._path = path
        self._descriptor = descriptor
        self._replaces = replaces
        self._size = 0
        self.is_complete = False

    @property
    def is_empty(self) -> bool:
        return not self._size

    @property
    def is_kept(self) -> bool:
        """Whether its rows are in a file at the end."""
        return not self.is_empty and (self.is_complete or not self._replaces)

    @property
    def how_to_continue(self) -> str:
        more = f", with --replace for {self._path}" if self.is_kept else ""
        return f"What was imported stays. Run the same command again to continue{more}."

    def write(self, header: Sequence[str], row: Sequence[str]) -> None:
        """Write a row, below the header if it is the first.

        Raises:
            CommandError: The file has no part of it.
        """
        text = StringIO(newline="")
        rows = (header, row) if self.is_empty else (row,)
        csv.writer(text).writerows([_escape(field) for field in fields] for fields in rows)
        # JSON can have half a surrogate pair, which UTF-8 has not.
        data = text.getvalue().encode(errors="backslashreplace")
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise CommandError(
                f"{self._path} cannot be written: {error.strerror}. {self.how_to_continue}"
            ) from None
        self._size += written


@contextmanager
def open_report(path: Path, *, replaces: bool) -> Iterator[ReportFile]:
    """Create the file, and remove it at the end if it has no rows.

    To replace a former file, it is written beside that and renamed when it is complete; without
    rows, the former file is removed then. If an import ends early, the former file stays as it was,
    and of a new one what was written.

    Raises:
        CommandError: It exists and is not to be replaced, or it cannot be created.
    """
    written = part_of(path) if replaces else path
    with explain_write_errors(path):
        # A process that was killed may have left an empty file, or a part.
        if replaces or (path.is_file() and not path.stat().st_size):
            written.unlink(missing_ok=True)
        try:
            descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError(
                f"{path} exists: --replace replaces it, or name another file."
            ) from None
    report = ReportFile(path, descriptor, replaces=replaces)
    try:
        yield report
        if replaces and report.is_complete:
            with explain_write_errors(path):
                if report.is_empty:
                    path.unlink(missing_ok=True)
                else:
                    written.replace(path)
    finally:
        with suppress(OSError):  # of a file on another machine
            os.close(descriptor)
        if replaces or report.is_empty:
            with suppress(OSError):
                written.unlink()


def part_of(path: Path) -> Path:
    """Return where a file is written that replaces another one at the end."""
    return path.with_name(f"{path.name}.part")


def _escape(field: str) -> str:
    return f"'{field}" if field.startswith(_FORMULA) else field
