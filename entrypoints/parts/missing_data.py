"""Check whether the data of a service is there: what was lost, and what a command needs."""

import asyncio
import stat
from pathlib import Path
from typing import Final

from application.ports.errors import DatabaseMissing
from entrypoints.parts.database import adapter_of
from entrypoints.settings.env_file import ENV_FILE
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import DataMissing, StartupError, name_variable
from entrypoints.settings.values import DatabaseLocation, Factory, SqliteLocation


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


NOT_THERE_YET: Final = "not there yet: the first start creates it"
_NO_DATABASE: Final = (
    "{variable}: there is no database of Dialtone at {place}{hint}. Run this command in the folder "
    "of the service, with its settings. `dialtone run` and `dialtone migrate` create a database."
)
_NO_KEYS: Final = (
    "DIALTONE_SECRETS_FILE: there are no keys at {place}{hint}. Run this command in the folder of "
    "the service, with its settings, or restore that file."
)


def check_data_exists(settings: Settings) -> None:
    """Check that database and keys exist; an operator's own adapter says it when it is opened."""
    check_database_exists(settings)
    check_keys_exist(settings)


def check_database_exists(settings: Settings) -> None:
    """Check that the database exists; raises the same."""
    if place := locate_missing_database(settings):
        variable, hint = settings.variable_of("DIALTONE_DATABASE"), hint_at_unset(settings)
        raise DataMissing(_NO_DATABASE.format(variable=variable, place=place, hint=hint))


def check_keys_exist(settings: Settings) -> None:
    """Check that the secrets file exists, if the keys are in one; raises DataMissing."""
    if are_keys_missing(settings):
        place, hint = settings.secrets_file.absolute(), hint_at_unset(settings)
        raise DataMissing(_NO_KEYS.format(place=place, hint=hint))


def locate_missing_database(settings: Settings) -> str | None:
    """Return where the database is if it is missing or empty, otherwise None.

    Raises:
        DataMissing: The server has no database of this name.
    """
    variable = settings.variable_of("DIALTONE_DATABASE")
    with name_variable(variable):
        try:
            return asyncio.run(locate_missing(settings.database))
        except DatabaseMissing as error:
            raise DataMissing(f"{variable}: {error}") from None


async def locate_missing(database: DatabaseLocation) -> str | None:
    """Return where a database is if it is missing or empty; raises ConfigurationError."""
    if isinstance(database, Factory):
        return None  # only its adapter knows
    adapter, place = adapter_of(database)
    return await adapter.locate_missing(place)


def are_keys_missing(settings: Settings) -> bool:
    """Return whether the keys are in a file that does not exist."""
    if not settings.are_keys_in_file:
        return False
    try:
        settings.secrets_file.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)  # reading the file reports other reasons
    return False


def hint_at_unset(settings: Settings) -> str:
    """Return that nothing names the database; empty if something does."""
    if settings.is_set("DIALTONE_DATABASE") or ENV_FILE.exists():
        return ""
    return "; DIALTONE_DATABASE is not set, and there is no .env in this folder"
