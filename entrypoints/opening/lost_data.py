"""Checks whether keys or a database were lost, which the service would create again, empty.

An adapter's package is imported only if the settings name it.
"""

import stat
from pathlib import Path

from entrypoints.features import FEATURES
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import DatabaseLocation, SqliteLocation


def check_secrets_file_not_lost(database: DatabaseLocation, secrets_file: Path) -> None:
    """Check that no new keys would be created for an existing SQLite database.

    Other databases compare the keys' fingerprint when they are opened.

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
    """Return whether an empty SQLite database has files of features: a copy that failed."""
    if not isinstance(settings.database, SqliteLocation):
        return False
    if not any(feature.has_files(settings) for feature in FEATURES):
        return False
    from adapters.sqlite import has_identities

    return not has_identities(settings.database.path)


def _has_content(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False  # opening the database reports the reason
    return stat.S_ISREG(status.st_mode) and status.st_size > 0
