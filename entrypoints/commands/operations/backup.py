"""`dialtone backup` and `dialtone restore`."""

import asyncio
import shlex
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from adapters.databases.records.stored_keys import StoredKeys
from adapters.databases.sqlite import back_up_database, restore_database
from adapters.operations.system import SystemClock
from adapters.security.encryption import find_key_id
from application.ports.keys import KeyPurpose
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.parsing import parse_file
from entrypoints.parts.extras import check_extra
from entrypoints.parts.keys import describe_place, find_key_fingerprint, load_keys
from entrypoints.parts.missing_data import check_database_exists
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import (
    CommandError,
    InvalidArgument,
    StartupError,
    name_variable,
)
from entrypoints.settings.values import Factory, MongoLocation, PostgresLocation, SqliteLocation


@dataclass(frozen=True, slots=True)
class _DatabaseTools:
    """The commands of other databases for a job that `dialtone` does for SQLite only."""

    mongodb: str
    postgresql: str


_DUMP: Final = _DatabaseTools(
    mongodb=(
        "mongodump --uri='mongodb://HOST:27017/?replicaSet=NAME' --oplog --gzip --archive={file}"
    ),
    postgresql='pg_dump --format=custom --file={file} "$DIALTONE_DATABASE"',
)
_LOAD_DUMP: Final = _DatabaseTools(
    mongodb=(
        "mongorestore --uri='mongodb://HOST:27017/?replicaSet=NAME' --oplogReplay --drop --gzip "
        "--archive={file}"
    ),
    postgresql=(
        "pg_restore --clean --if-exists --no-owner --single-transaction "
        '--dbname="$DIALTONE_DATABASE" {file}'
    ),
)
_OWN_TOOLS: Final = (
    "{}: this command works with sqlite:/// only. {} has its own:\n  {}\n"
    "Keep the output of `dialtone backup --fingerprint` beside the dump. See docs/keys.md."
)


_full_check_option: Final = click.option(
    "--full-check",
    is_flag=True,
    help="Also compare the indexes with the tables, which may take minutes.",
)


@click.command(
    cls=Command,
    examples=["/srv/backup/dialtone.db", "--replace /srv/backup/dialtone.db", "--fingerprint"],
    needs_data=False,  # it works without keys, and with a backup only
)
@click.option("--replace", is_flag=True, help="Replace an existing backup.")
@_full_check_option
@click.option(
    "--fingerprint",
    is_flag=True,
    help="Instead, show which keys the database needs, or a backup of SQLite; works with each "
    "database.",
)
@click.argument("file", required=False, help="The file to write.")
def backup(
    settings: Settings, file: str | None, *, replace: bool, full_check: bool, fingerprint: bool
) -> Iterator[str]:
    """Copy the SQLite database to a file. Safe while the service runs."""
    if fingerprint:
        if file is None:
            check_database_exists(settings)
        yield from _describe_keys(settings, file)
        return
    if file is None:
        raise InvalidArgument("Name the file to write: dialtone backup FILE")
    target = parse_file(file)
    path = _sqlite_path(settings, _DUMP, target)
    check_database_exists(settings)
    copy = back_up_database(path, target, replace=replace, full_check=full_check)
    yield (
        f"{copy.path} is complete: {copy.identity_count} identities, {copy.size_bytes} bytes, "
        "integrity checked."
    )
    if copy.unknown_object is not None:
        yield (
            f"Warning: it has the unknown {copy.unknown_object!r}. `dialtone restore` refuses it "
            "until this object is dropped."
        )
    for place in settings.file_stores:
        yield f"Now copy the {place}, after the database."
    these = "both" if settings.file_stores else "it"
    yield f"Apart from {these}, keep a copy of {describe_place(settings)}."


@click.command(cls=Command, examples=["/srv/backup/dialtone.db"], needs_data=False)
@_full_check_option
@click.argument("file", help="A file that `dialtone backup` wrote.")
def restore(settings: Settings, file: str, *, full_check: bool) -> Iterator[str]:
    """Replace the SQLite database by a backup. Stop all instances of the service first.

    The old database is kept beside it.
    """
    source = parse_file(file)
    path = _sqlite_path(settings, _LOAD_DUMP, source)
    copy = restore_database(path, source, SystemClock().now(), full_check=full_check)
    yield f"{copy.path} is restored: {copy.identity_count} identities, integrity checked."
    if copy.may_lack_log:
        yield (
            "Warning: `dialtone backup` did not write this file. If it was copied while a service "
            "ran, the newest data is missing, or all: it was in the file that ends with -wal."
        )
    if copy.kept_at is not None:
        yield f"The database from before is {copy.kept_at}. Delete it when you no longer need it."
    fingerprint = find_key_fingerprint(settings)
    if fingerprint == copy.key_fingerprint:
        yield f"The keys belong to this database: {describe_place(settings)}."
    else:
        yield f"It needs other keys: before the start, restore {describe_place(settings)}."
    for place in settings.file_stores:
        yield f"Its files are in the {place}: restore a copy that is not older."
    yield (
        "Changes since the backup are gone: deleted accounts and revoked sessions are back, "
        "blocked phones are not blocked. The log has them: docs/keys.md says how to repeat them."
    )


def _describe_keys(settings: Settings, file: str | None) -> Iterator[str]:

    variable = settings.variable_of("DIALTONE_DATABASE")
    with name_variable(variable) if file is None else nullcontext():
        stored = asyncio.run(_find_stored_keys(settings, file))
    place = describe_place(settings)
    accepted, is_missing = None, False
    yield f"phone_index: a key with the fingerprint {stored.key_fingerprint}"
    fingerprint = find_key_fingerprint(settings)
    if fingerprint is None:
        yield f"There are no usable keys to compare it with: {place}."
    else:
        is_missing = fingerprint != stored.key_fingerprint
        yield f"It {'does NOT have' if is_missing else 'has'} the fingerprint of {place}."
        keys = load_keys(settings, SystemClock())
        accepted = {key.id for key in keys.key_set(KeyPurpose.PHONE_ENCRYPTION).accepted()}
    for ciphertext, count in sorted(stored.ciphertexts.items()):
        key_id = find_key_id(ciphertext)
        where = ""
        if accepted is not None:
            where = f"; it is {'in' if key_id in accepted else 'NOT in'} {place}"
            is_missing = is_missing or key_id not in accepted
        yield f"phone_encryption: the key {key_id}, for {count} phones{where}."
    yield "Keep these lines beside the dump. They tell nothing about the keys themselves."
    if is_missing:
        raise CommandError(f"Keys are missing: add them to {place}, from an earlier copy of it.")


async def _find_stored_keys(settings: Settings, file: str | None) -> StoredKeys:

    if file is not None:
        from adapters.databases.sqlite.stored_keys import find_stored_keys as find_in_file

        return await find_in_file(parse_file(file))
    match settings.database:
        case SqliteLocation(path=path):
            from adapters.databases.sqlite.stored_keys import find_stored_keys as find_in_sqlite

            return await find_in_sqlite(path)
        case MongoLocation(url=url):
            check_extra("mongo", "mongodb://")
            from adapters.databases.mongo.stored_keys import find_stored_keys as find_in_mongo

            return await find_in_mongo(url)
        case PostgresLocation(url=url):
            check_extra("postgres", "postgresql://")
            from adapters.databases.postgres.stored_keys import find_stored_keys as find_in_postgres

            return await find_in_postgres(url)
        case Factory():
            raise StartupError(
                "DIALTONE_DATABASE: this command does not work with a database adapter of your own."
            )


def _sqlite_path(settings: Settings, tools: _DatabaseTools, file: Path) -> Path:
    """Return the path of the database.

    Raises:
        StartupError: it is not SQLite. The text names the command that does this job.
    """
    match settings.database:
        case SqliteLocation(path=path):
            return path
        case PostgresLocation():
            raise _own_tools_error(settings, "PostgreSQL", tools.postgresql, file)
        case MongoLocation():
            raise _own_tools_error(settings, "MongoDB", tools.mongodb, file)
        case Factory():
            raise StartupError(
                "DIALTONE_DATABASE: this command works with sqlite:/// only. Back up a database "
                "of your own adapter with its own tools."
            )


def _own_tools_error(settings: Settings, database: str, command: str, file: Path) -> StartupError:

    variable, shown = "DIALTONE_DATABASE", command.format(file=shlex.quote(str(file)))
    if url_file := settings.variables.files.get(variable):
        shown = shown.replace(f"${variable}", f"$(cat {shlex.quote(str(url_file.path))})")
        variable = url_file.variable
    return StartupError(_OWN_TOOLS.format(variable, database, shown))
