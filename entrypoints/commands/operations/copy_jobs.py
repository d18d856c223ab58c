"""The jobs of `dialtone copy`: all records of a database to another one."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from adapters.databases.records.copying import (
    Copying,
    begin,
    check_copy,
    check_no_instance,
    copied_kinds,
    count_records,
    finish,
    read_mark,
)
from adapters.databases.records.database import CopyableDatabase
from adapters.databases.records.key_change import KeyChange
from adapters.databases.records.newest_key import check_newest_key, record_newest_key
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.undeclared_records import ListsUnknown, check_declared
from adapters.operations.system import SystemClock, SystemRandomness
from adapters.security.keys.keys import SecretKeys, load_secrets_file
from application.ports.errors import ConfigurationError
from application.ports.keys import KeyPurpose
from domain.identifier import RANDOM_BYTES
from entrypoints.commands.shared.parsing import parse_file
from entrypoints.commands.shared.progress import show_progress
from entrypoints.parts.database import adapter_of
from entrypoints.parts.keys import load_keys, make_phone_encryption
from entrypoints.parts.missing_data import locate_missing
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import (
    DataMissing,
    InvalidArgument,
    StartupError,
    name_variable,
)
from entrypoints.settings.values import DatabaseLocation, Factory, SqliteLocation

_KEYS_OF_PHONES: Final = {KeyPurpose.PHONE_INDEX, KeyPurpose.PHONE_ENCRYPTION}
_OTHER_PURPOSE: Final = (
    '{file} has other keys of "{purpose}" than the settings: only those of "phone_index" and '
    '"phone_encryption" may differ. Take all others from the current secrets file.'
)
_SAME_KEYS: Final = (
    '{file} has the keys of the settings: give it another key of "phone_index" or '
    '"phone_encryption", or leave this option out.'
)
_SAME: Final = "All records are the same in both databases."
_SAME_UNDER_OTHER_KEYS: Final = (
    "All records are the same in both databases. Not copied: client IPs, and phone verifications "
    "that expire."
)
_NOTHING: Final = (
    "{option}: there is no database of Dialtone at {place}, so there is nothing to copy: correct "
    "the name."
)
_ONE_FILE: Final = "{option}: {target} and {source} are one file: name another database."
_NO_FOLDER: Final = "{option}: {folder} does not exist: create this folder, or correct the name."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A database of a copy, the keys of phones in it, and the option that names it."""

    option: str
    location: DatabaseLocation
    keys: SecretKeys

    @cached_property
    def encryption(self) -> PhoneEncryption:
        return make_phone_encryption(self.keys)

    async def open_existing(self, stack: AsyncExitStack) -> CopyableDatabase | None:
        with name_variable(self.option):
            adapter, place = adapter_of(self.location)
            fingerprint = self.encryption.key_fingerprint()
            opened = await stack.enter_async_context(adapter.open_existing(place, fingerprint))
            if opened is not None:
                check_newest_key(await opened.newest_key.read(), self.keys.encryption_keys())
            return opened

    async def open_to_copy(self, stack: AsyncExitStack) -> CopyableDatabase:
        with name_variable(self.option):
            adapter, place = adapter_of(self.location)
            fingerprint = self.encryption.key_fingerprint()
            opened = await stack.enter_async_context(adapter.open_to_copy(place, fingerprint))
            await record_newest_key(opened.newest_key, self.keys.encryption_keys())
            return opened


def forget_copy(settings: Settings) -> Iterable[str]:
    """Let a service start with a database that was copied."""
    if not isinstance(settings.database, Factory):
        asyncio.run(_forget_copy(settings))
    return ()


async def _forget_copy(settings: Settings) -> None:
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        adapter, place = adapter_of(settings.database)
        fingerprint = make_phone_encryption(load_keys_of(settings)).key_fingerprint()
        async with adapter.open_existing(place, fingerprint) as database:
            mark = await read_mark(database) if database else None
            if database is None or mark is None or mark.role == "target":
                return
            await database.mark.write(None)
            _log.warning({"event": "copy_mark_removed", "copied_to": mark.other})


async def _open_existing(
    source: Place, target: Place, stack: AsyncExitStack
) -> tuple[CopyableDatabase, CopyableDatabase | None]:
    _check_files(source, target)
    opened = await source.open_existing(stack)
    with name_variable(source.option):
        if opened is None:
            place = await locate_missing(source.location)
            raise DataMissing(_NOTHING.format(option=source.option, place=place))
        await check_declared(opened.records)
    return opened, await target.open_existing(stack)


def _check_files(source: Place, target: Place) -> None:
    """Check that a new file has a folder and is not the source: SQLite would write two logs.

    Raises:
        InvalidArgument, StartupError
    """
    from_, to = source.location, target.location
    if not isinstance(to, SqliteLocation):
        return
    with suppress(OSError):  # one is missing, or opening it reports the reason
        if not to.path.parent.exists():
            raise InvalidArgument(_NO_FOLDER.format(option=target.option, folder=to.path.parent))
        if isinstance(from_, SqliteLocation) and to.path.samefile(from_.path):
            text = _ONE_FILE.format(option=target.option, target=to.path, source=from_.path)
            raise StartupError(text)


async def plan_copy(from_: Place, to: Place, *, force: bool) -> list[str]:
    """Return what would be copied."""
    async with AsyncExitStack() as stack:
        source, target = await _open_existing(from_, to, stack)
        lines, progress = [], stack.enter_context(show_progress())
        if await check_copy(source, target, force=force):
            lines.append("It would continue an earlier copy.")
        for kind in copied_kinds():
            if total := await count_records(source, kind, progress):
                copied = await count_records(target, kind, progress) if target else 0
                lines.append(f"{kind.name}: {total:,} records, {copied:,} of them copied before")
        lines += await _describe_unknown(source)
        try:
            await check_no_instance(SystemClock().now(), source, target)
        except ConfigurationError as error:
            lines.append(f"The copy would be refused now. {error}")
        return [*lines, "Nothing was changed."]


async def copy_records(
    from_: Place,
    to: Place,
    keys_file: str | None,
    not_copied: Sequence[str],
    *,
    force: bool,
) -> list[str]:
    """Copy all records, and return what was copied and what is next."""
    clock = SystemClock()
    # A copy that is refused creates nothing in the target.
    async with AsyncExitStack() as stack:
        existing = await _open_existing(from_, to, stack)
        await check_copy(*existing, force=force)
        await check_no_instance(clock.now(), *existing)
    async with AsyncExitStack() as stack:
        source, target = await from_.open_to_copy(stack), await to.open_to_copy(stack)
        copy_id = SystemRandomness().bytes(RANDOM_BYTES).hex()
        progress, lines = stack.enter_context(show_progress()), []
        is_continued = await begin(source, target, clock.now(), copy_id, force=force)
        if is_continued:
            lines.append("An earlier copy was continued.")
        change = (
            KeyChange(source.records, from_.encryption, to.encryption)
            if keys_file is not None
            else None
        )
        copying = Copying(source, target, progress, change)
        await copying.add_records(is_continued=is_continued)
        counts = await copying.compare_records()
        await finish(source, target, clock.now())
        keys = f"DIALTONE_SECRETS_FILE={keys_file}" if keys_file is not None else "the same keys"
        return [
            *lines,
            *(f"{name}: {count:,} records" for name, count in counts.items() if count),
            *await _describe_unknown(source),
            " ".join([_SAME_UNDER_OTHER_KEYS if keys_file is not None else _SAME, *not_copied]),
            f"{source.location} is marked as copied: `dialtone run` does not start with it.",
            f"Next: set DIALTONE_DATABASE to {target.location}, with user, password and options "
            f"if it has them, and start the service with {keys}.",
        ]


def load_keys_of(settings: Settings) -> SecretKeys:
    """Return the keys of the settings."""
    return load_keys(settings, SystemClock())


def load_other_keys(settings: Settings, file: str) -> SecretKeys:
    """Return the keys of a file."""
    clock = SystemClock()
    current = load_keys(settings, clock).current()
    with name_variable("--to-secrets-file"):
        keys = SecretKeys(load_secrets_file(parse_file(file)).keys, clock)
        differ = {each for each in KeyPurpose if current[each] != keys.current()[each]}
        for purpose in sorted(differ - _KEYS_OF_PHONES):
            raise ConfigurationError(_OTHER_PURPOSE.format(file=file, purpose=purpose))
        if not differ:
            raise ConfigurationError(_SAME_KEYS.format(file=file))
    return keys


async def _describe_unknown(database: CopyableDatabase) -> list[str]:
    records = database.records
    names = await records.list_unknown() if isinstance(records, ListsUnknown) else ()
    return [
        f"Not copied, this version does not know it: {name}"
        for name in names
        if not name.startswith("system.")  # MongoDB's own
    ]
