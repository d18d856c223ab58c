"""Parsers of the settings of databases, media stores and factories."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_plus

from domain.errors import InvalidValue
from entrypoints.settings.parsers import full_match, pattern, rejects_with
from entrypoints.settings.values import (
    Factory,
    MediaFolder,
    MongoDatabase,
    S3Bucket,
    SqliteDatabase,
)

_FACTORY: Final = re.compile(r"(?P<package>[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# `sqlite:data` is a URL with a typing error, not a factory.
_URL_SCHEMES: Final = {"file", "http", "https", "mongodb", "s3", "sqlite"}

# The access key ID and the region are parts of a path in each request's signature.
parse_access_key_id = pattern(
    r"(?:(?![,/=])[!-~])+", "Must be an access key ID without space, comma, slash and =."
)
parse_region = pattern(
    r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    "Must be a region: letters and digits, with - between them.",
)
_SQLITE: Final = re.compile(r"sqlite:///(?P<path>(?!:memory:\Z)[^?#]*[^?#/])")
_ESCAPED: Final = r"(?:[^\s:%@/?#]|%[0-9A-Fa-f]{2})"
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:,/?#@\[\]]+)(?::[0-9]{1,5})?"
_OPTION: Final = r"[^=&;#@]+=[^=&;#@]*"
_MONGODB_URL: Final = re.compile(
    rf"mongodb(?:\+srv)?://(?:{_ESCAPED}+(?::{_ESCAPED}*)?@)?{_HOST}(?:,{_HOST})*"
    rf"(?:/(?P<name>[^/?#@]*))?(?:\?(?:{_OPTION}(?:[&;]{_OPTION})*)?)?"
)
# https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
_DATABASE_NAME: Final = re.compile(r'(?!(?i:admin|config|local)\Z)[^/\\. "$\x00-\x1f]+')

# A URL has no host, an empty one or localhost.
_FILE: Final = re.compile(r"file:(?://(?:localhost)?(?=/)|(?!//))(?P<path>[^?#]+)")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a prefix has only
# characters that are not escaped in a key.
_PREFIX_PART: Final = r"(?!\.\.?(?:/|$))[A-Za-z0-9_!.*'()-]+"
_BUCKET: Final = re.compile(
    r"s3://(?!(?:[0-9]+\.){3}[0-9]+(?:/|$))"
    r"(?P<bucket>[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9])"
    rf"(?:/(?P<prefix>{_PREFIX_PART}(?:/{_PREFIX_PART})*))?/?"
)


@rejects_with(
    "Must be sqlite:///path from the current folder, sqlite:////path from the root, "
    "mongodb://host/name, or package.module:factory. A path must not contain ? or #."
)
def parse_database(text: str) -> SqliteDatabase | MongoDatabase | Factory:
    """Parse the URL of a database, or a factory."""
    if text.startswith(("mongodb://", "mongodb+srv://")):
        return _parse_mongodb_url(text)
    if factory := find_factory(text):
        return factory
    return SqliteDatabase(Path(full_match(_SQLITE, text)["path"]).absolute())


@rejects_with(
    "Must be file:///path from the root, file:path from the current folder, s3://bucket/prefix, or "
    "package.module:factory."
)
def parse_media(text: str) -> MediaFolder | S3Bucket | Factory:
    """Parse the URL of a folder (RFC 8089) or bucket, or a factory."""
    if text.startswith("s3://"):
        return _parse_bucket(text)
    if factory := find_factory(text):
        return factory
    path = unquote(full_match(_FILE, text)["path"], errors="replace")
    if not path.strip("/") or not path.isprintable():
        raise ValueError
    return MediaFolder(Path(path).absolute())


@rejects_with("Must be package.module:factory.")
def parse_factory(text: str) -> Factory:
    """Parse a factory."""
    if factory := find_factory(text):
        return factory
    raise ValueError


def find_factory(text: str) -> Factory | None:
    """Return the factory that a text names, or None."""
    match = _FACTORY.fullmatch(text)
    return Factory(text) if match and match["package"].lower() not in _URL_SCHEMES else None


@rejects_with(
    "Must be s3://bucket or s3://bucket/prefix. A bucket has 3 to 63 lower-case letters, digits, - "
    "and single dots; a prefix has letters, digits and _ - . ! * ' ( )."
)
def _parse_bucket(text: str) -> S3Bucket:
    bucket = full_match(_BUCKET, text)
    return S3Bucket(bucket["bucket"], bucket["prefix"] or "")


# https://www.mongodb.com/docs/manual/reference/connection-string/
@rejects_with(
    "Must be mongodb://host:port/name, mongodb://user:password@host/name or, with one host and no "
    "port, mongodb+srv://host/name; options are name=value; in user, password and options "
    ": / ? # @ % are written %3A %2F %3F %23 %40 %25."
)
def _parse_mongodb_url(text: str) -> MongoDatabase:
    # The names and values of options are checked by the driver.
    name = unquote_plus(full_match(_MONGODB_URL, text)["name"] or "")
    if not name:
        raise InvalidValue("The URL of a MongoDB must name the database: mongodb://host/name.")
    if len(name.encode()) > 63 or not _DATABASE_NAME.fullmatch(name):
        raise InvalidValue(
            'The name of the database must have at most 63 bytes, and no / \\ . " $ or space; '
            "admin, config and local are reserved by MongoDB."
        )
    return MongoDatabase(text)
