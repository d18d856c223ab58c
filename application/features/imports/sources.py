"""What imports read: users and items of a file, or of the database of another service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from application.features.imports.import_user import ImportedUser
from application.features.imports.user_lines import InvalidLine


@dataclass(frozen=True, slots=True)
class Note:
    """What an operator wants to know about a user who is imported: in one word, and in words."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceUser:
    """A user as a source has it.

    Attributes:
        key: What reports call it: the number of its line in a file, its id in a database.
        user: The user, or why there is none.
        unread: The names of the fields that have a value and are not imported.
        is_blocked: Whether the user is blocked there, also if it cannot be imported.
        note: What to report if the user is imported.
        original: The fields of a user in a file, as they are there.
    """

    key: str
    user: ImportedUser | InvalidLine
    unread: Sequence[str] = ()
    is_blocked: bool = False
    note: Note | None = None
    original: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """An item of another service's library.

    Attributes:
        id: The id that the item keeps.
        owner: The id of its owner, as a client sent it.
        file_key: Where its file is; None if it is nowhere that is read.
        category: The category as it is there. Ours may not allow it.
        created_at: When it was uploaded there.
    """

    id: str
    owner: str = field(repr=False)
    file_key: str | None
    category: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SourceItem:
    """An item as a source has it: its id, and the item or why there is none.

    `unread` are the names of the fields that have a value and are not imported.
    """

    id: str
    item: ImportedItem | InvalidLine
    unread: Sequence[str] = ()
