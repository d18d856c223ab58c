"""What an import leaves out: in words, and a CSV file that only its owner can read."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Final

from application.features.imports.lines import ImportProblem
from entrypoints.commands.shared.new_file import explain_write_errors
from entrypoints.settings.startup_error import CommandError

PROBLEMS: Final[Mapping[ImportProblem, str]] = {
    ImportProblem.INVALID_LINE: "The line cannot be read.",
    ImportProblem.INVALID_ID: "The id cannot be kept.",
    ImportProblem.INVALID_CREATED_AT: "created_at is not a time: write it like"
    " 2026-05-01T09:30:00Z.",
    ImportProblem.REPEATED_ID: "Several lines have this id, so none of them is imported: decide"
    " which one is right.",
    ImportProblem.ID_IN_USE: "Another account or item has this id.",
    ImportProblem.NO_PHONE: "There is no phone number.",
    ImportProblem.INVALID_PHONE: "This is not a phone number.",
    ImportProblem.AMBIGUOUS_PHONE: "The digits are two phone numbers: write it with + and the"
    " country code.",
    ImportProblem.UNSUPPORTED_PHONE_TYPE: "No codes are sent to numbers of this kind.",
    ImportProblem.SPREADSHEET_NUMBER: "A spreadsheet has changed this number: export the file"
    " again, and do not save it in a spreadsheet.",
    ImportProblem.INVALID_BLOCKED: "blocked is neither true nor false.",
    ImportProblem.INVALID_CLAIMS: "claims is no object of JSON that an access token can have.",
    ImportProblem.REPEATED_PHONE: "Several lines have this phone number, so none of them is"
    " imported: decide which one is right.",
    ImportProblem.PHONE_IN_USE: "This phone has an account with other data.",
    ImportProblem.PHONE_BLOCKED: "An operator has blocked this phone: dialtone user unblock.",
    ImportProblem.FIXED_CODE: "This phone is in DIALTONE_TEST_OTPS: take it out there.",
    ImportProblem.USER_DELETED: "The account with this id was deleted, and does not come back.",
    ImportProblem.EXTERNAL_ID_IN_USE: "Another account has this external id.",
    ImportProblem.NOT_BLOCKED: "The user is blocked there, but has an account here that no import"
    " made: dialtone user block.",
    ImportProblem.USERNAME_IN_USE: "The user is imported without the name: another account has it.",
    ImportProblem.USERNAME_REFUSED: "The user is imported without the name.",
    ImportProblem.OWNER_NOT_IMPORTED: "The owner is neither the id of an account that an import"
    " made nor the external id of one: import the users before.",
    ImportProblem.CATEGORY_DROPPED: "The item is imported without its category.",
    ImportProblem.FILE_MISSING: "There is no such file in the folder of --files.",
    ImportProblem.FILE_OUTSIDE: "The file is not in the folder of --files.",
    ImportProblem.FILE_UNREADABLE: "The file cannot be read.",
    ImportProblem.FILE_TOO_LARGE: "The file is larger than DIALTONE_MAX_UPLOAD_SIZE.",
    ImportProblem.UNSUPPORTED_IMAGE_TYPE: "The file is no image of an accepted format.",
    ImportProblem.INVALID_IMAGE: "The image is broken, or exceeds a limit.",
}
_SAYS_LESS: Final = (
    ImportProblem.USERNAME_REFUSED,
    ImportProblem.CATEGORY_DROPPED,
    ImportProblem.FILE_UNREADABLE,
    ImportProblem.UNSUPPORTED_IMAGE_TYPE,
)
"""The messages of these say only why."""


def explain(problem: ImportProblem, message: str) -> str:
    """Return the reason in words."""
    if problem in _SAYS_LESS:
        return f"{PROBLEMS[problem]} {message}".strip()
    return message or PROBLEMS[problem]


def render_problems(problems: Mapping[ImportProblem, int]) -> Iterator[str]:
    """Yield how many lines there are for each reason, the most frequent first."""
    for problem, count in sorted(problems.items(), key=lambda item: (-item[1], item[0].value)):
        yield f"  {problem.value}: {count:,}"


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
                f"{path} exists, with the lines that an earlier import rejected: --replace replaces"
                " this file alone, or name another one by --rejected."
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
