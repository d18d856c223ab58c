"""Checks that there is what a command works on. In a wrong folder it would work on nothing."""

import asyncio
from typing import Final

from application.ports.errors import DatabaseMissing
from entrypoints.opening.database import adapter_of
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import DataMissing
from entrypoints.settings.env_file import ENV_FILE
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import DatabaseLocation, Factory

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
