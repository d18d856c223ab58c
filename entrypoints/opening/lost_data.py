"""Checks whether keys or a database were lost, which the service would create again, empty."""

import stat
from pathlib import Path

from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import DatabaseLocation, SqliteLocation


def check_secrets_file_not_lost(database: DatabaseLocation, secrets_file: Path) -> None:
    """Check that no new keys would be created for an existing SQLite database.

    Raises:
        StartupError: the database exists, but the secrets file does not.
    """
    # The database is checked first: a process that starts at the same time creates the secrets
    # file before the database.
    if not isinstance(database, SqliteLocation) or not _has_content(database.path):
        return
    if not secrets_file.exists() and not secrets_file.is_symlink():
        raise StartupError(
            f"{database.path} needs the keys of {secrets_file}, which does not exist. Restore "
            "that file, or move the database away to start with an empty one."
        )


def is_database_lost(settings: Settings) -> bool:
    """Return whether there are files of users beside an empty SQLite database, a failed copy."""
    if not isinstance(settings.database, SqliteLocation):
        return False
    if not any(folder and _has_files(folder) for folder in settings.file_stores.values()):
        return False
    from adapters.databases.sqlite import has_identities

    return not has_identities(settings.database.path)


def _has_files(folder: Path) -> bool:
    return any(
        path.is_file() and not any(name.startswith(".") for name in path.relative_to(folder).parts)
        for path in folder.rglob("*")
    )


def _has_content(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False  # opening the database reports the reason
    return stat.S_ISREG(status.st_mode) and status.st_size > 0
