"""The keys and what was made with them, before either is opened."""

from pathlib import Path
from typing import Final

from application.identities.session_factory import TokenLifetimes
from entrypoints.settings import Settings
from entrypoints.settings.values import Factory, MongoDatabase, SqliteDatabase
from entrypoints.startup_error import StartupError

# https://www.sqlite.org/fileformat.html: the magic at 0, the application id at 68.
_MAGIC: Final = b"SQLite format 3\0"
_APPLICATION: Final = slice(68, 72)
_OURS: Final = b"DIAL"


def check_keys_are_not_gone(
    database: SqliteDatabase | MongoDatabase | Factory, secrets: Path
) -> None:
    """Raise StartupError when new keys would be made for a database that has others already.

    A MongoDB or a database of somebody's own tells what it was written with only when opened.
    """
    # In this order: while two processes start at once, keys come before the database.
    if not isinstance(database, SqliteDatabase) or not _is_ours(database.path):
        return
    if not secrets.exists() and not secrets.is_symlink():
        raise StartupError(
            f"{database.path} was written with the keys of {secrets}, which is gone: put that "
            "file back, or move the database away to begin anew."
        )


def longest_lives(settings: Settings) -> TokenLifetimes:
    """Give how long tokens may live that are about, never less than by default.

    A setting may have been longer when the token was issued: that much is allowed for.
    """
    now, usual = settings.token_lifetimes, TokenLifetimes()
    return TokenLifetimes(
        plain=max(now.plain, usual.plain),
        access=max(now.access, usual.access),
        refresh=max(now.refresh, usual.refresh),
    )


def _is_ours(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            header = file.read(_APPLICATION.stop)
    except OSError:
        return False  # whoever opens it says why
    return header.startswith(_MAGIC) and header[_APPLICATION] == _OURS
