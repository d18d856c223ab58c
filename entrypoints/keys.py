"""Checks and values of the secrets file that depend on the settings."""

from pathlib import Path
from typing import Final

from application.identities.session_factory import TokenLifetimes
from entrypoints.settings import Settings
from entrypoints.settings.values import Factory, MongoDatabase, SqliteDatabase
from entrypoints.startup_error import StartupError

# https://www.sqlite.org/fileformat.html: the magic string at 0, the application id at 68.
_SQLITE_MAGIC: Final = b"SQLite format 3\0"
_APPLICATION_ID: Final = slice(68, 72)
_DIALTONE_ID: Final = b"DIAL"


def check_secrets_file_not_lost(
    database: SqliteDatabase | MongoDatabase | Factory, secrets_file: Path
) -> None:
    """Check that no new keys would be created for an existing SQLite database.

    MongoDB and custom databases compare the keys' fingerprint when they are opened.

    Raises:
        StartupError: the database exists, but the secrets file does not.
    """
    # The database is checked first: a process that starts at the same time creates the secrets
    # file before the database.
    if not isinstance(database, SqliteDatabase) or not _is_dialtone_database(database.path):
        return
    if not secrets_file.exists() and not secrets_file.is_symlink():
        raise StartupError(
            f"{database.path} needs the keys of {secrets_file}, which does not exist. Restore "
            "that file, or move the database away to start with an empty one."
        )


def max_token_lifetimes(settings: Settings) -> TokenLifetimes:
    """Return the maximum lifetimes of existing tokens; at least the defaults.

    The settings may have been reduced since the tokens were issued.
    """
    configured, default = settings.token_lifetimes, TokenLifetimes()
    return TokenLifetimes(
        plain=max(configured.plain, default.plain),
        access=max(configured.access, default.access),
        refresh=max(configured.refresh, default.refresh),
    )


def _is_dialtone_database(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            header = file.read(_APPLICATION_ID.stop)
    except OSError:
        return False  # opening the database reports the reason
    return header.startswith(_SQLITE_MAGIC) and header[_APPLICATION_ID] == _DIALTONE_ID
