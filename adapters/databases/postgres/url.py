"""The URL of a database: the options of libpq, and two of ours."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from application.ports.errors import ConfigurationError

DEFAULT_TIMEOUT: Final = 4.5
"""Seconds for one call. `timeout` in the URL changes it."""
DEFAULT_POOL_SIZE: Final = 10
"""Connections of one process. `pool_size` in the URL changes it."""
_OUR_OPTIONS: Final = ("pool_size", "timeout")
_OPTION: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,40}")
_EXAMPLE: Final = "postgresql://user@host/dialtone"
_INVALID_URL: Final = (
    f"The URL of the database is not of the form {_EXAMPLE}, or has an option that PostgreSQL does "
    "not know: correct it, and escape all characters of user and password with % that are neither "
    "letters nor digits."
)
_UNKNOWN_OPTION: Final = (
    "The URL of {location} has the option {option}, which libpq does not know: drop it. Other "
    "libraries may have it."
)
_NO_FILE: Final = (
    "The file of {option} in the URL of {location} is not there, and libpq would go on without "
    "it: correct the path, or drop the option."
)
# Options whose missing files libpq ignores, at least in some modes.
_FILE_OPTIONS: Final = ("sslrootcert", "sslcert", "sslcrl", "sslcrldir")
_OF_LIBPQ: Final = frozenset(
    option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()
) | {"ssl"}
"""`ssl=true` is how JDBC writes `sslmode=require`."""
_NO_NAME: Final = (
    f"The URL of {{hosts}} names no database: write its name at the end, like {_EXAMPLE}."
)
_INVALID_OPTION: Final = (
    "The URL of {location} has an invalid {option}: write a positive number, or drop it."
)


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """The parts of a URL.

    Attributes:
        location: Hosts and name of the database, without secrets.
    """

    location: str
    parameters: Mapping[str, Any]
    pool_size: int = DEFAULT_POOL_SIZE
    timeout_seconds: float = DEFAULT_TIMEOUT


def parse_url(url: str) -> PostgresUrl:
    """Parse a URL.

    Raises:
        ConfigurationError: The URL is invalid, or names no database.
    """
    address, question_mark, query = url.partition("?")
    options = [option for option in query.split("&") if option]
    pairs = [option.partition("=") for option in options]
    ours = {name: value for name, _, value in pairs if name in _OUR_OPTIONS}
    others = [option for option in options if option.partition("=")[0] not in _OUR_OPTIONS]
    try:
        parameters = conninfo_to_dict(f"{address}{question_mark}{'&'.join(others)}")
    except psycopg.Error:
        raise ConfigurationError(_explain_invalid(address, others)) from None
    hosts = _hosts_of(parameters)
    if not parameters.get("dbname"):
        raise ConfigurationError(_NO_NAME.format(hosts=hosts))
    location = f"{hosts}/{parameters['dbname']}"
    _check_files(parameters, location)
    return PostgresUrl(
        location,
        {
            "target_session_attrs": "read-write",
            "connect_timeout": 3,
            "fallback_application_name": "dialtone",
            # It would cost each connection a round trip to ask for Kerberos.
            "gssencmode": "disable",
            **parameters,
            "client_encoding": "utf8",
            # Without one, OpenSSL would ask the terminal for the password of an encrypted key.
            "sslpassword": parameters.get("sslpassword") or "none",
        },
        int(_positive(ours, "pool_size", DEFAULT_POOL_SIZE, location)),
        _positive(ours, "timeout", DEFAULT_TIMEOUT, location),
    )


def _explain_invalid(address: str, options: Sequence[str]) -> str:
    names = [option.partition("=")[0] for option in options]
    unknown = next((name for name in names if name not in _OF_LIBPQ), "")
    # Nothing is quoted that may be a part of a password with a question mark.
    if "@" in "".join(options) or not _OPTION.fullmatch(unknown):
        return _INVALID_URL
    try:
        parameters = conninfo_to_dict(address)
    except psycopg.Error:
        return _INVALID_URL
    location = f"{_hosts_of(parameters)}/{parameters.get('dbname') or ''}"
    return _UNKNOWN_OPTION.format(location=location, option=unknown)


def _check_files(parameters: Mapping[str, Any], location: str) -> None:
    if parameters.get("sslmode") == "disable":
        return
    for option in _FILE_OPTIONS:
        path = parameters.get(option)
        if path and (option, path) != ("sslrootcert", "system") and not os.access(path, os.F_OK):
            raise ConfigurationError(_NO_FILE.format(location=location, option=option))


def _hosts_of(parameters: Mapping[str, Any]) -> str:
    hosts = str(parameters.get("host") or parameters.get("hostaddr") or "localhost").split(",")
    ports = str(parameters.get("port") or "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    named = zip(hosts, ports, strict=False)
    return ",".join(f"{host}:{port}" if port else host for host, port in named)


def _positive(options: Mapping[str, str], option: str, default: float, location: str) -> float:
    try:
        number = float(options.get(option, default))
    except ValueError:
        number = 0
    if not 0 < number <= 1000 or (option == "pool_size" and number % 1):
        raise ConfigurationError(_INVALID_OPTION.format(location=location, option=option))
    return number
