"""Where records, media and keys are kept, as it is written in settings."""

from pathlib import Path
from urllib.parse import unquote

from domain.errors import InvalidValue
from entrypoints.settings.factories import read_factory
from entrypoints.settings.kinds import Factory, MediaFolder, MongoDatabase, S3Bucket, SqliteDatabase
from entrypoints.settings.mongodb import SCHEMES, read_mongodb
from entrypoints.settings.s3 import read_bucket

_SQLITE = "sqlite:///"


def read_database(text: str) -> SqliteDatabase | MongoDatabase | Factory:
    """Read where records are kept: in a file, in a MongoDB, or in somebody's own database.

    The address of a file has three slashes and a path, absolute with a fourth.
    """
    if text.startswith(SCHEMES):
        return read_mongodb(text)
    if factory := read_factory(text):
        return factory
    path = text.removeprefix(_SQLITE)
    if not text.startswith(_SQLITE) or not path or path.endswith("/") or path == ":memory:":
        raise InvalidValue(
            "Takes sqlite:///path from the current folder, sqlite:////path from the root, "
            "mongodb://host/name, or package.module:factory."
        )
    if "?" in path or "#" in path:
        raise InvalidValue("The path of a SQLite database takes no ? and no #.")
    return SqliteDatabase(Path(path).absolute())


def read_media(text: str) -> MediaFolder | S3Bucket | Factory:
    """Read where media is kept: in a folder (RFC 8089), a bucket, or somebody's own store.

    Without slashes a folder is below the current one.
    """
    if text.startswith("s3://"):
        return read_bucket(text)
    if factory := read_factory(text):
        return factory
    is_file = text.startswith("file:")
    path = unquote(text.removeprefix("file:"), errors="replace")
    if path.startswith("//"):
        host, slash, rest = path[2:].partition("/")
        is_file, path = is_file and host in ("", "localhost"), slash + rest
    if not is_file or not path.strip("/") or "?" in text or "#" in text or not path.isprintable():
        raise InvalidValue(
            "Takes file:///path from the root, file:path from the current folder, "
            "s3://bucket/prefix, or package.module:factory."
        )
    return MediaFolder(Path(path).absolute())


def read_folder(text: str) -> Path:
    """Read the path of a folder; a relative one is below the current folder."""
    return Path(text).absolute()


def read_path(text: str) -> Path:
    """Read a path; a relative one is below the current folder."""
    if text.endswith("/"):
        raise InvalidValue("Takes the path of a file.")
    return Path(text).absolute()
