"""Parsers of what a setting names: something that is shipped, an HTTP hook, or a factory."""

import base64
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

from domain.errors import InvalidValue
from domain.otp.delivery import Channel
from domain.otp.delivery_policy import Channels
from entrypoints.settings.parsers import (
    choice,
    full_match,
    list_of,
    parse_country_code,
    rejects_with,
    split_url,
)
from entrypoints.settings.values import (
    DatabaseLocation,
    Factory,
    HttpHook,
    MongoLocation,
    PostgresLocation,
    SqliteLocation,
    origin_of,
)

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
MIN_SECRET_BYTES: Final = 24
"""https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- it is the same in all secrets
SECRET_EXAMPLE: Final = '"whsec_$(openssl rand -base64 32)"'  # noqa: S105 -- the command makes it
"""A command, because a secret that is printed here would be used."""


def one_of(shipped: Mapping[str, Any], *, may_be_hook: bool = False) -> Callable[[str], Any]:
    """Return a parser of a name that stands for something shipped, or of a factory or hook."""
    others = ["the https:// URL of a hook"] if may_be_hook else []

    @rejects_with(f"Must be {', '.join([*shipped, *others])} or package.module:factory.")
    def parse(text: str) -> Any:
        if text.lower() in shipped:
            return shipped[text.lower()]
        if may_be_hook and text.lower().startswith(("http:", "https:")):
            return parse_hook(text)
        if factory := find_factory(text):
            return factory
        raise ValueError

    return parse


def several_of(shipped: Mapping[str, Any], *, once: str) -> Callable[[str], tuple[Any, ...]]:
    """Return a parser of a list as `one_of`. The name of the second hook of a host has a 2."""
    parse_all = list_of(one_of(shipped, may_be_hook=True), once=once)

    def parse(text: str) -> tuple[Any, ...]:
        values, counts = list(parse_all(text)), Counter[str]()
        for position, value in enumerate(values):
            counts[str(value)] += 1
            if (count := counts[str(value)]) > 1:  # others are different
                values[position] = replace(value, name=f"{value.name} ({count})")
        return tuple(values)

    return parse


def parse_hook(text: str) -> HttpHook:
    """Parse the URL of a hook."""
    return HttpHook(parse_private_url(text), origin_of(text))


@rejects_with(
    "A URL must begin with https://, or with http:// on this machine, and have ASCII characters "
    "only, no password and no #; a comma is written %2C."
)
def parse_private_url(text: str) -> str:
    """Parse a URL whose requests others cannot read: https, or http on this machine."""
    parts = split_url(text, without="#,")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError
    return text


@rejects_with(f"Must be {_SECRET_PREFIX} and Base64 of at least {MIN_SECRET_BYTES} random bytes.")
def parse_secret(text: str) -> str:
    """Parse a secret of Standard Webhooks."""
    encoded = text.removeprefix(_SECRET_PREFIX).rstrip("=")
    padding = "=" * (-len(encoded) % 4)
    if len(base64.b64decode(encoded + padding, validate=True)) < MIN_SECRET_BYTES:
        raise ValueError
    return text


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
            "name a limit store of your own by package.module:factory, see docs/settings.md."
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


ALL_OTHERS: Final = "*"
"""Stands for the countries that are not named."""


_parse_channels = list_of(choice(*Channel), once="channel")


def parse_channels(text: str) -> tuple[tuple[str, Channels], ...]:
    """Parse countries with their channels, like `IN=sms,voice;US,CA=sms;*=sms`."""
    found: dict[str, Channels] = {}
    for entry in text.strip().removesuffix(";").split(";"):
        names, is_assigned, channels = entry.partition("=")
        if not is_assigned:
            raise InvalidValue(
                "Must have countries, = and their channels in order, and ; between two such "
                "entries, like IN=sms,voice;*=sms."
            )
        for country in list_of(_parse_country)(names):
            if country in found:
                raise InvalidValue(f"{country} must be named once.")
            try:
                found[country] = _parse_channels(channels)
            except InvalidValue as error:
                raise InvalidValue(f"{country}: {error.message}") from None
            if Channel.VOICE in found[country][:-1]:
                raise InvalidValue(
                    f"{country}: voice must be the last channel. A call is placed only if an app "
                    "asks for it."
                )
            if Channel.SMS not in found[country]:
                raise InvalidValue(
                    f"{country} has no sms: add it, perhaps as the last channel. Codes that "
                    "change a number, and messages about it, go by SMS only."
                )
    return tuple(found.items())


def _parse_country(text: str) -> str:
    return text if text == ALL_OTHERS else parse_country_code(text)
