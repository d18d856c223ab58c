"""`dialtone migrate`."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import click

from adapters.databases.records.kind_checks import is_of_extension
from adapters.databases.records.schema_plan import ReportBuild, SchemaObject, SchemaPlan
from adapters.databases.records.undeclared_records import (
    FEATURES_OF_KINDS,
    UndeclaredRecords,
    find_absent_feature,
)
from adapters.operations.system import SystemClock
from application.ports.errors import ConfigurationError
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.progress import ReportProgress, show_progress
from entrypoints.parts.database import open_database
from entrypoints.parts.extras import check_extra
from entrypoints.parts.keys import find_key_fingerprint, load_keys, make_phone_encryption
from entrypoints.parts.missing_data import check_data_exists
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import (
    InvalidArgument,
    StartupError,
    name_variable,
    print_errors,
)
from entrypoints.settings.values import Factory, MongoLocation, PostgresLocation, SqliteLocation

_BATCH_SIZE: Final = 500
_NO_METHOD: Final = (
    "its adapter has no delete_undeclared(): delete the records with the tools of the database."
)
_NO_KEYS: Final = (
    "The keys were not checked: DIALTONE_SECRETS_FILE or DIALTONE_SECRETS has no usable ones, and "
    "a start needs those of this database."
)


class _Migration(Protocol):
    """The migration of a database's adapter, which is a module; the place is a path or a URL."""

    async def plan_migration(self, place: Any, key_fingerprint: str | None, /) -> SchemaPlan:
        """Return what a start would change."""

    async def migrate(self, place: Any, key_fingerprint: str, report: ReportBuild, /) -> SchemaPlan:
        """Change what a start would change, and return what that was."""


@click.command(
    cls=Command,
    examples=["--dry-run", "", "--delete-records TABLE --yes"],
    needs_data=False,
)
@click.option("--dry-run", is_flag=True, help="Show what would be created; nothing is changed.")
@click.option(
    "--delete-records",
    is_flag=True,
    help="Instead, delete the records of a feature that this program does not have.",
)
@click.option("--yes", is_flag=True, help="Confirm the deletion of records.")
@click.argument("tables", nargs=-1, metavar="[TABLE]...", help="What --delete-records deletes.")
def migrate(
    settings: Settings,
    tables: Sequence[str],
    *,
    dry_run: bool,
    delete_records: bool,
    yes: bool,
) -> Iterable[str]:
    """Create the tables, columns and indexes that this version needs, before it is started.

    Safe while an older version runs.
    """
    if delete_records != bool(tables) or (delete_records and dry_run):
        raise InvalidArgument("Write --delete-records TABLE without --dry-run, or neither of them.")
    if delete_records:
        yield from _delete_records(settings, tables, is_confirmed=yes)
        return
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        migration, place = find_migration(settings)
        if dry_run:
            fingerprint = find_key_fingerprint(settings)
            plan = asyncio.run(migration.plan_migration(place, fingerprint))
            yield from _describe(plan, "to create", "to drop")
            if fingerprint is None and not plan.is_new:
                yield _NO_KEYS
            yield "Nothing was changed."
            return
    plan = _migrate(settings, migration, place)
    yield from _describe(plan, "created", "dropped")


def _delete_records(
    settings: Settings, names: Sequence[str], *, is_confirmed: bool
) -> Iterable[str]:

    check_data_exists(settings)
    absent = {name: find_absent_feature(name) for name in names}
    for name, feature in absent.items():
        if feature is None:
            is_ours = name in FEATURES_OF_KINDS or is_of_extension(name)
            reason = "this program uses" if is_ours else "no feature has"
            raise InvalidArgument(f"{name}: {reason} these records. Nothing was deleted.")
    if not is_confirmed:
        shown = ", ".join(f"{name} ({feature})" for name, feature in absent.items())
        raise InvalidArgument(
            f"All records of {shown} will be deleted, and that is final. Add --yes if there "
            "is a backup, or they are not needed."
        )
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        return asyncio.run(_delete_all(settings, names))


async def _delete_all(settings: Settings, names: Sequence[str]) -> Sequence[str]:

    keys = load_keys(settings, SystemClock(), is_service=True)
    encryption = make_phone_encryption(keys)
    lines = []
    async with open_database(settings, encryption) as database:
        store = database.records
        if not isinstance(store, UndeclaredRecords):
            raise ConfigurationError(_NO_METHOD)
        with show_progress() as show:
            for name in names:
                deleted = 0
                while count := await store.delete_undeclared(name, _BATCH_SIZE):
                    deleted += count
                    show(f"{name}: deleted", deleted)
                lines.append(f"{name}: records deleted: {deleted:,}")
    return lines


def _migrate(settings: Settings, migration: _Migration, place: Path | str) -> SchemaPlan:

    keys = load_keys(settings, SystemClock(), is_service=True)
    encryption = make_phone_encryption(keys)
    with name_variable(settings.variable_of("DIALTONE_DATABASE")), show_progress() as show:
        report = _show_builds(show)
        return asyncio.run(migration.migrate(place, encryption.key_fingerprint(), report))


def _show_builds(show: ReportProgress) -> ReportBuild:

    def report(
        created: SchemaObject,
        done: int = 0,
        total: int | None = None,
        *,
        is_waiting: bool = False,
    ) -> None:
        if total is None:
            print_errors(f"creating {created}")
        elif is_waiting:
            show(f"{created} waits for transactions that began before", done, total)
        else:
            show(str(created), done, total)

    return report


def _describe(plan: SchemaPlan, created: str, dropped: str) -> Iterable[str]:
    if plan.is_new:
        yield "The database is new."
    yield from (f"{created}: {missing}" for missing in plan.missing)
    yield from (f"{dropped}: {other}" for other in plan.dropped)
    yield from (f"not used by this version, stays: {other}" for other in plan.undeclared)
    if not plan.missing and not plan.dropped:
        yield "The database has everything that this version needs."


def find_migration(settings: Settings) -> tuple[_Migration, Path | str]:
    """Return the migration of the database that the settings name, and where that is.

    Raises:
        StartupError: The adapter of the database is an operator's own.
    """
    match settings.database:
        case SqliteLocation(path=path):
            from adapters.databases.sqlite import migration as in_sqlite

            return in_sqlite, path
        case MongoLocation(url=url):
            check_extra("mongo", "mongodb://")
            from adapters.databases.mongo import migration as in_mongo

            return in_mongo, url
        case PostgresLocation(url=url):
            check_extra("postgres", "postgresql://")
            from adapters.databases.postgres import migration as in_postgres

            return in_postgres, url
        case Factory():
            raise StartupError(
                "DIALTONE_DATABASE: a database adapter of your own prepares its database itself, "
                "when it is opened. This command does not work with it."
            )
