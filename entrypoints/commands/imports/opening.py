"""Opening the use cases of an import. For a dry run, nothing is created or changed."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.records.outages import OutageRetries
from adapters.system import SystemClock
from application.use_cases import UseCases
from entrypoints.commands.migrate import find_migration
from entrypoints.commands.use_case_calls import open_with_features
from entrypoints.features.feature import Feature
from entrypoints.features.imports import IMPORTS
from entrypoints.features.media import MEDIA_RECORDS
from entrypoints.opening.keys import find_key_fingerprint, load_keys
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment, Factory, Secret, SqliteLocation


def open_imports(
    settings: Settings, media: Feature, retry: OutageRetries, *, is_dry_run: bool
) -> AbstractAsyncContextManager[UseCases]:
    """Open the use cases, with the media store or only its records.

    Args:
        settings: The settings.
        media: The feature with the store, or with the records. A dry run has the records.
        retry: Repeats calls to the database.
        is_dry_run: Whether the database stays as it is.
    """
    if is_dry_run:
        return _open_unchanged(settings, retry)
    return open_with_features(settings, [media, IMPORTS], retry=retry)


@asynccontextmanager
async def _open_unchanged(settings: Settings, retry: OutageRetries) -> AsyncIterator[UseCases]:
    """Open the use cases on the database as it is, until the block ends.

    - A database that does not exist yet counts as empty, and is not created.
    - A database adapter of an operator's own is opened as for the service.

    Args:
        settings: Name the database.
        retry: Repeats calls to the database.

    Raises:
        StartupError: The database or the keys cannot be used.
        CommandError: A start would change its schema.
    """
    if isinstance(settings.database, Factory):
        async with open_with_features(settings, [MEDIA_RECORDS, IMPORTS], retry=retry) as use_cases:
            yield use_cases
        return
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        migration, place = find_migration(settings)
        plan = await migration.plan_migration(place, find_key_fingerprint(settings))
    with TemporaryDirectory() as folder:
        if plan.is_new:
            location = SqliteLocation(Path(folder) / "empty.db")
            settings = replace(_with_keys(settings), database=location)
        elif plan.missing:
            raise CommandError(
                "The database lacks what this version needs, and a dry run changes nothing: run "
                "`dialtone migrate` before. `dialtone migrate --dry-run` lists it."
            )
        else:
            load_keys(settings, SystemClock())  # a start would create a missing file
        features = [MEDIA_RECORDS, IMPORTS]
        async with open_with_features(settings, features, retry=retry) as use_cases:
            yield use_cases


def _with_keys(settings: Settings) -> Settings:
    """Return settings with keys in memory, if a start would create the secrets file."""
    is_created = settings.are_keys_in_file and settings.env is not Environment.PRODUCTION
    if is_created and not settings.secrets_file.exists():
        from adapters.keys.document import generate_document

        return replace(settings, secrets=Secret(generate_document()))
    return settings
