"""Parser of DIALTONE_DATABASE: the URL of a SQLite or MongoDB database."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

from domain.errors import InvalidValue
from entrypoints.settings.parsers import parse_bind, parse_factory
from entrypoints.settings.values import Factory, MongoDatabase, SqliteDatabase

_SQLITE: Final = "sqlite:///"
_MONGODB_URL: Final = re.compile(
    r"mongodb(?P<srv>\+srv)?://(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]*)"
    r"(?:/(?P<name>[^/?#@]*))?(?:\?(?P<options>[^#@]*))?"
)
_LOGIN: Final = re.compile(r"(?:[^\s:%@]|%[0-9A-Fa-f]{2})+(?::(?:[^\s:%@]|%[0-9A-Fa-f]{2})*)?")
_PORT: Final = re.compile(r":[0-9]+")
_SOCKET: Final = re.compile(r"(?:[\w.~-]|%[0-9A-Fa-f]{2})+\.sock", re.ASCII)
_SERVICE: Final = re.compile(r"(?=.*[A-Za-z])[\w.-]+", re.ASCII)
_OPTION: Final = r"[^=&;]+=[^=&;]*"
_OPTIONS: Final = re.compile(rf"{_OPTION}(?:(?:&{_OPTION})*|(?:;{_OPTION})*)")
# https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
_FORBIDDEN_CHARACTERS: Final = frozenset('/\\. "$')
_MAX_DATABASE_NAME_BYTES: Final = 63
_RESERVED_DATABASES: Final = ("admin", "config", "local")


def parse_database(text: str) -> SqliteDatabase | MongoDatabase | Factory:
    """Parse the URL of a database, or a factory."""
    if text.startswith(("mongodb://", "mongodb+srv://")):
        return _parse_mongodb_url(text)
    if factory := parse_factory(text):
        return factory
    path = text.removeprefix(_SQLITE)
    if not text.startswith(_SQLITE) or not path or path.endswith("/") or path == ":memory:":
        raise InvalidValue(
            "Must be sqlite:///path from the current folder, sqlite:////path from the root, "
            "mongodb://host/name, or package.module:factory."
        )
    if "?" in path or "#" in path:
        raise InvalidValue("The path of a SQLite database must not contain ? or #.")
    return SqliteDatabase(Path(path).absolute())


def _parse_mongodb_url(text: str) -> MongoDatabase:
    # https://www.mongodb.com/docs/manual/reference/connection-string/
    # The names and values of options are checked by the driver.
    url = _MONGODB_URL.fullmatch(text)
    if url is None or not (url["login"] is None or _LOGIN.fullmatch(url["login"])):
        raise InvalidValue(
            "Must be mongodb://host/name or mongodb://user:password@host/name; in user, password "
            "and options : / ? # @ % are written %3A %2F %3F %23 %40 %25."
        )
    if url["srv"] and not _SERVICE.fullmatch(url["hosts"]):
        raise InvalidValue("A URL with mongodb+srv:// must have one host name and no port.")
    if not all(map(_is_mongodb_host, url["hosts"].split(","))):
        raise InvalidValue(
            "The hosts of a MongoDB must be host or host:port, separated by commas; "
            "a socket is written like %2Ftmp%2Fmongodb-27017.sock."
        )
    if not url["name"]:
        raise InvalidValue("The URL of a MongoDB must name the database: mongodb://host/name.")
    if not _is_database_name(unquote_plus(url["name"])):
        raise InvalidValue(
            'The name of the database must have at most 63 bytes, and no / \\ . " $ or space; '
            "admin, config and local are reserved by MongoDB."
        )
    if url["options"] and not _OPTIONS.fullmatch(url["options"]):
        raise InvalidValue(
            "The options of a MongoDB must be name=value, separated by &; = in a value is %3D."
        )
    return MongoDatabase(text)


def _is_mongodb_host(host: str) -> bool:
    if _SOCKET.fullmatch(host):
        return True
    try:
        parse_bind(host if _PORT.search(host.rpartition("]")[2]) else f"{host}:27017")
    except InvalidValue:
        return False
    return True


def _is_database_name(name: str) -> bool:
    return (
        name.isprintable()
        and _FORBIDDEN_CHARACTERS.isdisjoint(name)
        and len(name.encode()) <= _MAX_DATABASE_NAME_BYTES
        and name.lower() not in _RESERVED_DATABASES
    )
