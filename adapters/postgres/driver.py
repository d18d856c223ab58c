"""The driver: URL, connections and errors.

No message quotes the driver or the server: their messages hold users, hosts and values of records.
"""

import asyncio
import logging
import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    PortError,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)

DEFAULT_TIMEOUT: Final = 4.5
"""Seconds for one call. `timeout` in the URL changes it."""
DEFAULT_POOL_SIZE: Final = 10
"""Connections of one process. `pool_size` in the URL changes it."""
_OUR_OPTIONS: Final = ("pool_size", "timeout")
MIN_SERVER_VERSION: Final = 130000
"""PostgreSQL 13, as `server_version` has it."""

_EXAMPLE: Final = "postgresql://user@host/dialtone"
_INVALID_URL: Final = (
    f"The URL of the database is not of the form {_EXAMPLE}, or has an option that PostgreSQL does "
    "not know: correct it, and escape all characters of user and password with % that are neither "
    "letters nor digits."
)
_NO_NAME: Final = (
    f"The URL of {{hosts}} names no database: write its name at the end, like {_EXAMPLE}."
)
_INVALID_OPTION: Final = (
    "The URL of {location} has an invalid {option}: write a positive number, or drop it."
)

_WRONG_CREDENTIALS: Final = (
    "{location} rejects the user or the password: correct them in the URL, and escape all "
    "characters with % that are neither letters nor digits."
)
_NOT_READY: Final = (
    "{location} does not accept connections now: wait until PostgreSQL has started, or look into "
    "its log."
)
_TLS_FAILED: Final = (
    "The TLS connection to {location} fails: correct the options of the URL that begin with ssl."
)
_NO_SERVER: Final = (
    "{location} has no server that responds: start PostgreSQL there, or correct host and port of "
    "the URL."
)
_READ_ONLY: Final = (
    "{location} is read-only: name the primary in the URL, or all servers, host1,host2."
)
# Texts of libpq and of the server; the first that is found counts. They are in English if the
# server's lc_messages is. The order is from the server's own answers to a missing one, because a
# URL with several hosts has all their texts.
_CONNECTION_PROBLEMS: Final[Mapping[str, str]] = {
    "pg_hba.conf": (
        "{location} does not let this user connect from this host: allow it in pg_hba.conf, or "
        "write sslmode=require into the URL if it requires TLS."
    ),
    "valid client certificate": (
        "{location} requires a client certificate: name a valid one with sslcert and sslkey in the "
        "URL."
    ),
    "authentication": _WRONG_CREDENTIALS,
    "no password supplied": _WRONG_CREDENTIALS,
    'FATAL:  role "': _WRONG_CREDENTIALS,
    'FATAL:  database "': (
        "{location} does not exist: create it with `createdb --encoding=UTF8 --template=template0`"
        ", or correct the name in the URL."
    ),
    "session is read-only": _READ_ONLY,
    "permission denied for database": (
        "{location} does not let this user connect: grant it CONNECT on that database, or name "
        "another user in the URL."
    ),
    "connection slots": (
        "{location} has no free connection: raise max_connections of PostgreSQL, or lower "
        "pool_size in the URLs of all instances."
    ),
    "too many clients": (
        "{location} has no free connection: raise max_connections of PostgreSQL, or lower "
        "pool_size in the URLs of all instances."
    ),
    "starting up": _NOT_READY,
    "shutting down": _NOT_READY,
    "not accepting connections": _NOT_READY,
    "recovery mode": _NOT_READY,
    "does not support SSL": (
        "{location} does not use TLS: start PostgreSQL with TLS, or drop sslmode from the URL."
    ),
    "does not match host name": (
        "The certificate of {location} is for another host name: name the host of the certificate "
        "in the URL, or start PostgreSQL with a certificate for this host."
    ),
    "certificate verify failed": (
        "Nobody that this machine trusts has issued the certificate of {location}, or it has "
        "expired: name the file of its authority with sslrootcert in the URL."
    ),
    "root certificate file": (
        "The file of sslrootcert in the URL of {location} cannot be read: correct the path, or the "
        "rights of the file."
    ),
    "certificate file": (
        "The file of sslcert in the URL of {location} cannot be used: correct the path, or the "
        "rights of the file."
    ),
    "private key file": (
        "The file of sslkey in the URL of {location} cannot be used: correct the path, or the "
        "rights of the file."
    ),
    "SSL error": _TLS_FAILED,
    "invalid sslmode": _TLS_FAILED,
    "resolve host": (
        "{location} cannot be resolved: correct the host in the URL, or the DNS of this machine."
    ),
    "Name or service not known": (
        "{location} cannot be resolved: correct the host in the URL, or the DNS of this machine."
    ),
}
_NO_RIGHTS: Final = (
    "{location} does not let this user read and write: make it the owner of the database, or grant "
    "it USAGE and CREATE on the schema and all rights on Dialtone's tables."
)
_UNEXPECTED: Final = "{location} cannot be opened ({cause}): look into the log of PostgreSQL."
_STATEMENT_PROBLEMS: Final = {
    "42501": _NO_RIGHTS,  # insufficient_privilege
    "25006": _READ_ONLY,  # read_only_sql_transaction
}
READ_ONLY: Final = "25006"
_LOST: Final = "the connection was lost"
_DAMAGED: Final = ("XX001", "XX002")
"""data_corrupted and index_corrupted."""


class ConnectionLost(StorageUnavailable):
    """The connection was lost during a statement that changes nothing."""


class PostgresConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection that a deadline can abort."""

    is_aborted = False

    def abort(self) -> None:
        """Fail what waits for the server, at once and without a word to the server."""
        self.is_aborted = True
        if not self.closed:
            with socket.socket(fileno=socket.dup(self.pgconn.socket)) as duplicate:
                duplicate.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def deadline(self, time: float) -> Iterator[None]:
        """Abort what waits for the server at this time of the event loop."""
        timer = asyncio.get_running_loop().call_at(time, self.abort)
        try:
            yield
        finally:
            timer.cancel()

    def has_news(self) -> bool:
        """Return whether the server sent something to this idle connection.

        It has closed the connection, or has changed settings, such as those of a primary.
        """
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """What a URL says.

    Attributes:
        location: Hosts and name of the database, without secrets.
        parameters: Those of the driver.
        pool_size: Connections of one process.
        timeout_seconds: The timeout of a call.
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
        raise ConfigurationError(_INVALID_URL) from None
    hosts = _hosts_of(parameters)
    if not parameters.get("dbname"):
        raise ConfigurationError(_NO_NAME.format(hosts=hosts))
    location = f"{hosts}/{parameters['dbname']}"
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
        },
        int(_positive(ours, "pool_size", DEFAULT_POOL_SIZE, location)),
        _positive(ours, "timeout", DEFAULT_TIMEOUT, location),
    )


@contextmanager
def errors_while_opening(location: str) -> Iterator[None]:
    """Turn errors of the driver in the block into ConfigurationError."""
    try:
        yield
    except psycopg.Error as error:
        message = _STATEMENT_PROBLEMS.get(error.sqlstate or "", _UNEXPECTED)
        if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
            text = str(error)
            found = (one for known, one in _CONNECTION_PROBLEMS.items() if known in text)
            message = next(found, _NO_SERVER)
        text = message.format(location=location, cause=_cause(error))
        raise ConfigurationError(text) from None


def port_error(error: psycopg.Error, *, is_write: bool) -> PortError:
    """Return the error of the port for an error of the driver.

    The server names the cause if it has rejected a statement, and so has done nothing. Without a
    cause the connection was lost, and a write may have been done.
    """
    code = error.sqlstate
    if isinstance(error, psycopg.errors.UniqueViolation):
        return UniqueViolation(_cause(error))
    if code in _DAMAGED:
        return CorruptRecord("the table or an index is damaged")
    if code is None and isinstance(error, psycopg.OperationalError):
        return StorageTimeout(_LOST) if is_write else ConnectionLost(_LOST)
    return StorageUnavailable(_cause(error))


def silence_driver() -> None:
    """Log nothing of the driver: its warnings quote the server."""
    for name in ("psycopg", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


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


def _cause(error: Exception) -> str:
    """Return the class of an error, and the SQLSTATE if the server has sent one."""
    name, code = type(error).__name__, getattr(error, "sqlstate", None)
    return f"{name} {code}" if code else name
