"""`dialtone backup` and `dialtone restore`."""

import shlex
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from entrypoints.bootstrap import find_key_fingerprint
from entrypoints.commands.parsing import parse_file
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory, MediaFolder, MongoDatabase, SqliteDatabase
from entrypoints.startup_error import StartupError

_DUMP: Final = 'mongodump --uri="$DIALTONE_DATABASE" --gzip --archive={file}'
_LOAD_DUMP: Final = 'mongorestore --uri="$DIALTONE_DATABASE" --drop --gzip --archive={file}'


def back_up(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Copy the database to a file; say what else to copy."""
    from adapters.sqlite import back_up as back_up_database

    file = parse_file(arguments.file)
    path = _sqlite_path(settings, _DUMP, file)
    copy = back_up_database(path, file, replace=arguments.replace, full_check=arguments.full_check)
    yield (
        f"{copy.path} is complete: {copy.identity_count} identities, {copy.size_bytes} bytes, "
        "integrity checked."
    )
    if copy.unknown_object is not None:
        yield (
            f"Warning: it has the unknown {copy.unknown_object!r}. `dialtone restore` refuses it "
            "until this object is dropped."
        )
    yield f"Now copy the {_media_place(settings)}, after the database."
    yield f"Apart from both, keep a copy of {_keys_place(settings)}."


def restore(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Replace the database by a backup; say what else is needed."""
    from adapters.sqlite import restore as restore_database
    from adapters.system import SystemClock

    file = parse_file(arguments.file)
    path = _sqlite_path(settings, _LOAD_DUMP, file)
    copy = restore_database(path, file, SystemClock().now(), full_check=arguments.full_check)
    yield f"{copy.path} is restored: {copy.identity_count} identities, integrity checked."
    if copy.may_lack_log:
        yield (
            "Warning: `dialtone backup` did not write this file. If it was copied while a service "
            "ran, the newest data is missing, or all: it was in the file that ends with -wal."
        )
    if copy.kept_at is not None:
        yield f"The database from before is {copy.kept_at}. Delete it when you no longer need it."
    if find_key_fingerprint(settings) == copy.key_fingerprint:
        yield f"The keys belong to this database: {_keys_place(settings)}."
    else:
        yield f"It needs other keys: before the start, restore {_keys_place(settings)}."
    yield f"Its images are in the {_media_place(settings)}: restore a copy that is not older."
    yield (
        "Changes since the backup are undone: deleted accounts and revoked sessions are back, "
        "blocked phones are not blocked."
    )


def _sqlite_path(settings: Settings, command: str, file: Path) -> Path:
    """Return the path of the database.

    Raises:
        StartupError: it is not SQLite. The text names the command that does this job.
    """
    match settings.database:
        case SqliteDatabase(path=path):
            return path
        case MongoDatabase():
            raise StartupError(
                "DIALTONE_DATABASE: this command works with sqlite:/// only. MongoDB has its own: "
                f"{command.format(file=shlex.quote(str(file)))}"
            )
        case Factory():
            raise StartupError(
                "DIALTONE_DATABASE: this command works with sqlite:/// only. Back up a database "
                "of your own adapter with its own tools."
            )


def _media_place(settings: Settings) -> str:
    match settings.media:
        case MediaFolder(path=path):
            return f"media folder {path.absolute()}"
        case _:
            return "media store in DIALTONE_MEDIA"


def _keys_place(settings: Settings) -> str:
    if settings.secrets.value:
        return "the value of DIALTONE_SECRETS"
    return f"the secrets file {settings.secrets_file.absolute()}"
