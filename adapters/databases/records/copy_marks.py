"""The mark of a copy in a database: that it was copied, or that it is not complete yet."""

from datetime import datetime
from typing import Final, Literal

import msgspec

from application.ports.errors import ConfigurationError

_WAS_COPIED: Final = (
    "{location} was copied to {other} at {time:%Y-%m-%dT%H:%M:%SZ}: set DIALTONE_DATABASE to that "
    "database. To use this one again, start with `dialtone run --force`."
)
_IS_COPIED: Final = (
    "A copy of {location} to {other} was begun at {time:%Y-%m-%dT%H:%M:%SZ} and is not finished: "
    "start `dialtone copy` again. To use this database as before, start with `dialtone run "
    "--force`."
)
_INCOMPLETE: Final = (
    "{location} is the target of a copy of {other} that is not finished: start `dialtone copy` "
    "again, or name another database."
)


class CopyMark(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a database in a copy. A complete target has none.

    Attributes:
        copy_id: The same in both databases.
        other: Where the other database is, without secrets.
    """

    copy_id: str
    role: Literal["source", "target"]
    other: str
    started_at: datetime
    finished_at: datetime | None = None


def encode_mark(mark: CopyMark) -> str:
    """Return a mark as a database stores it."""
    return msgspec.json.encode(mark).decode()


def decode_mark(stored: str | None, location: str) -> CopyMark | None:
    """Return the mark that is stored like this.

    Raises:
        ConfigurationError: It is damaged, or a newer version has written it.
    """
    if stored is None:
        return None
    try:
        return msgspec.json.decode(stored, type=CopyMark)
    except msgspec.DecodeError:
        raise ConfigurationError(
            f"The metadata of {location} cannot be read: start the program that wrote it."
        ) from None


def check_mark(stored: str | None, location: str) -> None:
    """Check that a database may be used.

    Raises:
        ConfigurationError: It was copied, or is not complete.
    """
    mark = decode_mark(stored, location)
    if mark is None:
        return
    text = _INCOMPLETE
    if mark.role == "source":
        text = _WAS_COPIED if mark.finished_at else _IS_COPIED
    time = mark.finished_at or mark.started_at
    raise ConfigurationError(text.format(location=location, other=mark.other, time=time))
