"""The options and the use cases of an import. For a dry run, nothing is created or changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.databases.records.outages import OutageRetries
from application.features.imports.lines import ImportRun
from application.use_cases import UseCases
from entrypoints.bootstrap import open_use_cases
from entrypoints.commands.core.migrate import find_migration
from entrypoints.commands.shared.operator_name import parse_operator
from entrypoints.commands.shared.options import ActOptions
from entrypoints.commands.shared.parsing import parse_reason_option
from entrypoints.features.feature import Feature
from entrypoints.features.imports import IMPORTS
from entrypoints.features.media.feature import MEDIA_RECORDS
from entrypoints.opening.keys import find_key_fingerprint
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory


def parse_run(options: ActOptions, *, is_dry_run: bool) -> ImportRun | None:
    """Return who imports and why, which a dry run does not need; raises InvalidArgument."""
    operator = parse_operator(options.acts_as)
    reason = parse_reason_option(options.reason, is_required=not is_dry_run)
    return None if is_dry_run else ImportRun(operator.actor, reason)


@asynccontextmanager
async def open_imports(
    settings: Settings, media: Feature, retry: OutageRetries, *, is_dry_run: bool
) -> AsyncIterator[UseCases]:
    """Open the use cases, with the media store or only its records, until the block ends.

    A database adapter of an operator's own is opened as for the service, also for a dry run.
    """
    if is_dry_run:
        media = MEDIA_RECORDS
        await _check_complete(settings)
    async with open_use_cases(settings, [media, IMPORTS], retry=retry) as use_cases:
        yield use_cases


async def _check_complete(settings: Settings) -> None:
    if isinstance(settings.database, Factory):
        return
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        migration, place = find_migration(settings)
        plan = await migration.plan_migration(place, find_key_fingerprint(settings))
    if plan.missing:
        raise CommandError(
            "The database lacks what this version needs, and a dry run changes nothing: run "
            "`dialtone migrate` before. `dialtone migrate --dry-run` lists it."
        )
