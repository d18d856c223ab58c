"""Parsers of the settings of databases and factories."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

from domain.errors import InvalidValue
from entrypoints.settings.parsers import full_match, rejects_with
from entrypoints.settings.values import (
    DatabaseLocation,
    Factory,
    MongoLocation,
    PostgresLocation,
    SqliteLocation,
)

_FACTORY: Final = re.compile(r"(?P<package>[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# `sqlite:data` is a URL with a typing error, not a factory.
_URL_SCHEMES: Final = {
    *("file", "http", "https", "mongodb", "postgres", "postgresql", "s3"),
    "sqlite",
}

_SQLITE: Final = re.compile(r"sqlite:///(?P<path>(?!:memory:\Z)[^?#]*[^?#/])")
_ESCAPED: Final = r"(?:[^\s:%@/?#]|%[0-9A-Fa-f]{2})"
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:,/?#@\[\]]+)(?::[0-9]{1,5})?"
_HOSTS: Final = rf"{_HOST}(?:,{_HOST})*"
_OPTION: Final = r"[^=&;#@]+=[^=&;#@]*"
_RULES: Final = (
    "options are name=value; in user, password and options : / ? # @ % are written "
    "%3A %2F %3F %23 %40 %25."
)


def _url_of(scheme: str, hosts: str) -> re.Pattern[str]:
    login = rf"{_ESCAPED}+(?::{_ESCAPED}*)?"
    # The names and values of options are checked by the driver.
    options = rf"\?(?:{_OPTION}(?:[&;]{_OPTION})*)?"
    return re.compile(rf"{scheme}://(?:{login}@)?{hosts}(?:/(?P<name>[^/?#@]*))?(?:{options})?")


_MONGODB_URL: Final = _url_of(r"mongodb(?:\+srv)?", _HOSTS)
_POSTGRES_URL: Final = _url_of("postgresql", f"(?:{_HOSTS})?")
# https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
_DATABASE_NAME: Final = re.compile(r'(?!(?i:admin|config|local)\Z)[^/\\. "$\x00-\x1f]+')


@rejects_with(
    "Must be sqlite:///path from the current folder, sqlite:////path from the root, "
    "postgresql://host/name, mongodb://host/name, or package.module:factory. A path must not "
    "contain ? or #."
)
def parse_database(text: str) -> DatabaseLocation:
    """Parse the URL of a database, or a factory."""
    if text.startswith("postgresql://"):
        return _parse_postgres_url(text)
    if text.startswith(("mongodb://", "mongodb+srv://")):
        return _parse_mongodb_url(text)
    if factory := find_factory(text):
        return factory
    return SqliteLocation(Path(full_match(_SQLITE, text)["path"]).absolute())


@rejects_with("Must be package.module:factory.")
def parse_factory(text: str) -> Factory:
    """Parse a factory."""
    if factory := find_factory(text):
        return factory
    raise ValueError


def parse_limit_store(text: str) -> Factory:
    """Parse a factory."""
    if text.startswith(("redis:", "rediss:")):  # until 0.4
        raise InvalidValue(
            "Limits in Redis were removed. Remove this line, and the database keeps the limits; or "
            "name a limit store of your own by package.module:factory, see docs/databases.md."
        )
    return parse_factory(text)


def find_factory(text: str) -> Factory | None:
    """Return the factory that a text names, or None."""
    match = _FACTORY.fullmatch(text)
    return Factory(text) if match and match["package"].lower() not in _URL_SCHEMES else None


# https://www.mongodb.com/docs/manual/reference/connection-string/
@rejects_with(
    "Must be mongodb://host:port/name, mongodb://user:password@host/name or, with one host and no "
    f"port, mongodb+srv://host/name; {_RULES}"
)
def _parse_mongodb_url(text: str) -> MongoLocation:
    name = unquote_plus(full_match(_MONGODB_URL, text)["name"] or "")
    if not name:
        raise InvalidValue("The URL of a MongoDB must name the database: mongodb://host/name.")
    if len(name.encode()) > 63 or not _DATABASE_NAME.fullmatch(name):
        raise InvalidValue(
            'The name of the database must have at most 63 bytes, and no / \\ . " $ or space; '
            "admin, config and local are reserved by MongoDB."
        )
    return MongoLocation(text)


# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
@rejects_with(
    "Must be postgresql://host:port/name or postgresql://user:password@host/name, and must name "
    f"the database; {_RULES}"
)
def _parse_postgres_url(text: str) -> PostgresLocation:
    if full_match(_POSTGRES_URL, text)["name"]:
        return PostgresLocation(text)
    raise ValueError
