"""What an import of another service reads, and what it reports."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import BinaryIO

from application.features.imports.import_item import ItemOutcome
from application.features.imports.import_user import ImportOutcome, ImportRun
from application.features.imports.import_users import ImportCounts, ReadUsers
from application.features.imports.ports import SourceFiles
from application.features.imports.sources import SourceItem
from application.features.imports.unread_fields import UnreadFields


class RowKind(StrEnum):
    """What a row of the other service is."""

    USER = "user"
    ITEM = "item"


class RowNote(StrEnum):
    """What an operator wants to know about a row that is imported."""

    CATEGORY_DROPPED = "category_dropped"
    FILE_SHARED = "file_shared"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """A row that is not imported as it is: why, in one word and in words without a number."""

    kind: RowKind
    id: str
    reason: str
    message: str
    is_rejected: bool = True


class Checksum:
    """A SHA-256 over rows in the order of their ids, and their number."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = sha256()

    def add(self, *fields: str | None) -> None:
        """Add a row."""
        self.count += 1
        self._digest.update(repr(fields).encode())

    @property
    def text(self) -> str:
        """The checksum in hex."""
        return self._digest.hexdigest()


@dataclass(slots=True)
class FileSums:
    """How many files there are, and their bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Add a file."""
        self.files += 1
        self.bytes += size


@dataclass(slots=True)
class ServiceReport:
    """What an import did; of a dry run, what it would do.

    Attributes:
        users: What became of the users.
        items: How many library rows had each outcome.
        skipped_items: How many rows were not looked at, because nothing says where the files are.
        unread_items: What the rows that were looked at have beside what is imported.
        source_users, stored_users: Of the imported users: as they were read, and as they are now.
        source_items, stored_items: The same of the items.
        source_files: The files that were read.
        published_files: What was published of them, with variants.
        stored_files: What the media store has of that now.
    """

    users: ImportCounts = field(default_factory=ImportCounts)
    items: Counter[ItemOutcome] = field(default_factory=Counter)
    skipped_items: int | None = None
    unread_items: UnreadFields = field(default_factory=UnreadFields)
    source_users: Checksum = field(default_factory=Checksum)
    stored_users: Checksum = field(default_factory=Checksum)
    source_items: Checksum = field(default_factory=Checksum)
    stored_items: Checksum = field(default_factory=Checksum)
    source_files: FileSums = field(default_factory=FileSums)
    published_files: FileSums = field(default_factory=FileSums)
    stored_files: FileSums = field(default_factory=FileSums)

    @property
    def rejected(self) -> int:
        """How many users and rows were not imported."""
        return self.users.outcomes[ImportOutcome.REJECTED] + self.items[ItemOutcome.REJECTED]

    @property
    def has_differences(self) -> bool:
        """Whether something is stored in another way than it was read."""
        return (
            self.source_users.text != self.stored_users.text
            or self.source_items.text != self.stored_items.text
            or self.published_files != self.stored_files
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceImport:
    """What one import reads, and where it reports.

    Attributes:
        read_users: Reads the users.
        read_items: Reads the library rows.
        count_items: Returns how many library rows there are, about.
        files: Where the files are; None imports users only.
        max_file_bytes: The maximum size of a file.
        open_temporary_file: Opens an empty file.
        report_row: Takes what is rejected or noted.
        show_progress: Takes how many rows of this kind were handled, and about how many there are.
        run: Who imports; None for a dry run, which writes nothing.
    """

    read_users: ReadUsers
    read_items: Callable[[], AsyncIterator[SourceItem]]
    count_items: Callable[[], Awaitable[int]]
    files: SourceFiles | None
    max_file_bytes: int
    open_temporary_file: Callable[[], BinaryIO]
    report_row: Callable[[ReportedRow], None]
    show_progress: Callable[[RowKind, int, int], None]
    run: ImportRun | None

    def reject(self, kind: RowKind, row_id: str, reason: str, message: str) -> None:
        """Report a row that is not imported."""
        self.report_row(ReportedRow(kind, row_id, reason, message))

    def note(self, kind: RowKind, row_id: str, reason: str, message: str) -> None:
        """Report something about a row that is imported."""
        self.report_row(ReportedRow(kind, row_id, reason, message, is_rejected=False))

    def note_difference(self, kind: RowKind, row_id: str) -> None:
        """Report that a row is not stored as it was read."""
        self.note(kind, row_id, RowNote.DIFFERS, "It is stored in another way.")
