"""The file of rejected lines, which only its owner can read."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from adapters.user_files import REJECTED_COLUMNS
from application.imports.import_users import RejectionReason
from application.imports.sources import SourceUser
from entrypoints.commands.imports.problems import explain
from entrypoints.commands.imports.report_file import escape
from entrypoints.opening.startup_error import CommandError


class RejectedLines:
    """Writes rejected lines with their original fields, so that they can be mended and imported.

    No spreadsheet reads a field as a formula. What is written stays if the import ends early.
    """

    def __init__(self, path: Path, file: TextIO) -> None:
        """Write to an open file."""
        self._path = path
        self._file = file
        self._writer = csv.writer(file)
        self.is_empty = True

    @property
    def continue_with(self) -> str:
        """What to do after an import that ended early."""
        more = "" if self.is_empty else f", with --replace for {self._path}"
        return f"What was imported stays. Run the same command again to continue{more}."

    def write(self, line: SourceUser, problem: RejectionReason, message: str) -> None:
        """Write a line; raises CommandError."""
        if self.is_empty:
            self.is_empty = False
            self._write_row((*REJECTED_COLUMNS, *line.original))
        reason = (line.key, problem.value, explain(problem, message))
        self._write_row((*reason, *line.original.values()))

    def _write_row(self, row: tuple[str, ...]) -> None:
        try:
            self._writer.writerow(map(escape, row))
            self._file.flush()
        except OSError as error:
            raise CommandError(f"{self._path} cannot be written: {error.strerror}.") from None


@contextmanager
def open_rejected_lines(path: Path, *, replaces: bool) -> Iterator[RejectedLines]:
    """Create the file, and remove it at the end if no line was rejected.

    Raises:
        CommandError: It exists and is not to be replaced, or it cannot be created.
    """
    with _explain(path):
        if replaces:
            path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    # JSON can have half a surrogate pair, which UTF-8 has not.
    file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")
    rejected = RejectedLines(path, file)
    try:
        yield rejected
    finally:
        with suppress(OSError):  # closing writes again what the disk had no space for
            file.close()
        if rejected.is_empty:
            with suppress(OSError):
                path.unlink()


@contextmanager
def _explain(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise CommandError(
            f"{path} exists: --replace replaces it, and --rejected names another file."
        ) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
