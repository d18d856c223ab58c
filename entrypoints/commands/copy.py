"""`dialtone copy`: all records of a database to another one."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from adapters.records.undeclared_records import check_declared
from application.ports.errors import ConfigurationError, StorageError
from domain.errors import InvalidValue
from domain.identifier import RANDOM_BYTES
from entrypoints.commands.feature_commands import find_feature_commands
from entrypoints.commands.parsing import find_url
from entrypoints.commands.progress import ProgressLine
from entrypoints.opening.extras import check_extra
from entrypoints.opening.keys import load_keys, make_phone_encryption
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import CommandError, InvalidArgument
from entrypoints.settings.database_parsers import parse_database
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import (
    DatabaseLocation,
    Factory,
    MongoLocation,
    PostgresLocation,
    SqliteLocation,
)

if TYPE_CHECKING:
    from adapters.records.copying import CopyableDatabase

_EMPTY: Final = "the database does not exist, or is empty: there is nothing to copy."

_log = structlog.get_logger()


class _Copying(Protocol):
    """The module of a database's adapter that copies; the place is a path or a URL."""

    def open_existing(
        self, place: Any, key_fingerprint: str | None, /
    ) -> AbstractAsyncContextManager["CopyableDatabase | None"]:
        """Open a database as it is. Yield None if it is new."""

    def open_source(
        self, place: Any, key_fingerprint: str, /
    ) -> AbstractAsyncContextManager["CopyableDatabase | None"]:
        """Open a database that nothing else uses. Yield None if it is new."""

    def open_target(
        self, place: Any, key_fingerprint: str, /
    ) -> AbstractAsyncContextManager["CopyableDatabase"]:
        """Open a database that nothing else uses. It is created if it is new."""


def copy(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Copy all records, or say what would be copied."""
    source = _parse_place(settings, arguments.source, "--from")
    target = _parse_place(settings, arguments.target, "--to")
    try:
        if arguments.dry_run:
            return asyncio.run(_plan(settings, source, target, force=arguments.force))
        return asyncio.run(_copy(settings, source, target, force=arguments.force))
    except StorageError as error:
        raise CommandError(
            f"The copy has stopped: {error}. Start the same command again: it continues."
        ) from error


def forget_copy(settings: Settings) -> Iterable[str]:
    """Let a service start with a database that was copied."""
    if not isinstance(settings.database, Factory):
        asyncio.run(_forget_copy(settings))
    return ()


async def _forget_copy(settings: Settings) -> None:
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        copying, place = copying_of(settings.database)
        async with copying.open_existing(place, _key_fingerprint(settings)) as database:
            mark = await database.read_mark() if database else None
            if database is None or mark is None or mark.role == "target":
                return
            await database.write_mark(None)
            _log.warning("copy_mark_removed", copied_to=mark.other)


@asynccontextmanager
async def _open_existing(
    fingerprint: str, from_: DatabaseLocation, to: DatabaseLocation
) -> AsyncIterator[tuple["CopyableDatabase", "CopyableDatabase | None"]]:
    """Open source and target as they are, also beside a service. A new target is None."""
    async with AsyncExitStack() as stack:
        with name_variable("--from"):
            copying, place = copying_of(from_)
            source = await stack.enter_async_context(copying.open_existing(place, fingerprint))
            if source is None:
                raise ConfigurationError(_EMPTY)
            await check_declared(source)
        with name_variable("--to"):
            copying, place = copying_of(to)
            target = await stack.enter_async_context(copying.open_existing(place, fingerprint))
        yield source, target


async def _plan(
    settings: Settings, from_: DatabaseLocation, to: DatabaseLocation, *, force: bool
) -> list[str]:
    from adapters.records.copying import check_copy, check_no_instance, copied_kinds
    from adapters.system import SystemClock

    async with _open_existing(_key_fingerprint(settings), from_, to) as (source, target):
        lines = []
        if await check_copy(source, target, force=force):
            lines.append("It would continue an earlier copy.")
        for kind in copied_kinds():
            copied = await target.count(kind) if target else 0
            if total := await source.count(kind):
                lines.append(f"{kind.name}: {total:,} records, {copied:,} of them copied before")
        lines += _describe_unknown(await source.list_unknown())
        try:
            await check_no_instance(SystemClock().now(), source, target)
        except ConfigurationError as error:
            lines.append(f"The copy would be refused now. {error}")
        return [*lines, "Nothing was changed."]


async def _copy(
    settings: Settings, from_: DatabaseLocation, to: DatabaseLocation, *, force: bool
) -> list[str]:
    from adapters.records.copying import (
        Progress,
        begin,
        check_copy,
        check_no_instance,
        compare_records,
        copy_records,
        finish,
    )
    from adapters.system import SystemClock, SystemRandomness

    fingerprint, clock = _key_fingerprint(settings), SystemClock()
    # A copy that is refused creates nothing in the target.
    async with _open_existing(fingerprint, from_, to) as databases:
        await check_copy(*databases, force=force)
        await check_no_instance(clock.now(), *databases)
    async with AsyncExitStack() as stack:
        with name_variable("--from"):
            copying, place = copying_of(from_)
            source = await stack.enter_async_context(copying.open_source(place, fingerprint))
            if source is None:
                raise ConfigurationError(_EMPTY)
        with name_variable("--to"):
            copying, place = copying_of(to)
            target = await stack.enter_async_context(copying.open_target(place, fingerprint))
        copy_id = SystemRandomness().bytes(RANDOM_BYTES).hex()
        progress, lines = ProgressLine(), []
        if await begin(source, target, clock.now(), copy_id, force=force):
            lines.append("An earlier copy was continued.")
        async for step in copy_records(source, target):
            progress(f"{step.kind}: copied", step.done, step.total)
        async for result in compare_records(source, target):
            if isinstance(result, Progress):
                progress(f"{result.kind}: compared", result.done, result.total)
            elif result.count:
                lines.append(f"{result.kind}: {result.count:,} records, SHA-256 {result.checksum}")
        await finish(source, target, clock.now())
        not_copied = [each.not_copied for each in find_feature_commands() if each.not_copied]
        return [
            *lines,
            *_describe_unknown(await source.list_unknown()),
            " ".join(["All records are the same in both databases.", *not_copied]),
            f"{source.location} is marked as copied: `dialtone run` does not start with it.",
            f"Next: set DIALTONE_DATABASE to {target.location}, with user, password and options "
            "if it has them, and start the service with the same keys.",
        ]


def _parse_place(settings: Settings, text: str, option: str) -> DatabaseLocation:
    """Parse a URL, or the name of a variable that has one. No error quotes it."""
    try:
        return parse_database(find_url(settings, option, text))
    except InvalidValue as error:
        raise InvalidArgument(f"{option}: {error.message}") from None


def copying_of(database: DatabaseLocation) -> tuple[_Copying, Path | str]:
    """Return what the adapter of a database has for copies, and where the database is."""
    match database:
        case SqliteLocation(path=path):
            from adapters.sqlite import copying as sqlite

            return sqlite, path
        case MongoLocation(url=url):
            check_extra("mongo", "mongodb://")
            from adapters.mongo import copying as mongo

            return mongo, url
        case PostgresLocation(url=url):
            check_extra("postgres", "postgresql://")
            from adapters.postgres import copying as postgres

            return postgres, url
        case Factory():
            raise ConfigurationError(
                "this command does not work with a database adapter of your own: name sqlite:///, "
                "postgresql:// or mongodb://."
            )


def _key_fingerprint(settings: Settings) -> str:
    from adapters.system import SystemClock

    return make_phone_encryption(load_keys(settings, SystemClock())).key_fingerprint()


def _describe_unknown(names: Iterable[str]) -> list[str]:
    return [f"Not copied, this version does not know it: {name}" for name in names]
