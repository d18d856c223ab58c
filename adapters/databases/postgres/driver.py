"""The driver: connections that a deadline can abort, and the errors of the port.

The messages of the driver and of the server hold users, hosts and values of records, so the log has
their codes.
"""

import asyncio
import logging
import math
import select
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Self

import psycopg
from psycopg.rows import TupleRow

from adapters.shared.causes import code_of, describe_error, system_code_in
from application.ports.errors import (
    CorruptRecord,
    OperationRejected,
    PortError,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)

PostgresCursor = psycopg.AsyncCursor[TupleRow]

READ_ONLY: Final = "25006"
"""The SQLSTATE read_only_sql_transaction."""
_LOST: Final = "the connection was lost"
_CONNECTION_EXCEPTION: Final = "08"
"""The class of SQLSTATE in which a pooler says that its connection to the server was lost."""
_DAMAGED: Final = ("XX001", "XX002")
"""data_corrupted and index_corrupted."""
_REJECTED: Final = ("22", "23", "40001", "40P01", "54", "XX")
"""SQLSTATE, or its class, of errors about values or rows of a statement: data exceptions, rules of
the operator, others who write the same rows (serialization_failure and deadlock_detected), limits
of the server such as the size of a value, and internal errors, which is what most damage looks
like."""


class ConnectionLost(StorageUnavailable):
    """The connection was lost during a statement that changes nothing."""


_SILENT_TTL: Final = 60.0
"""Seconds for which a server that did not respond is the last to be tried."""
Server = tuple[str, str]
"""A host and its port, which may be empty."""
_silent_servers: dict[Server, float] = {}
"""Times of attempts at servers that drop packets: each attempt takes the `connect_timeout`."""


def servers_of(parameters: Mapping[str, Any]) -> Sequence[Server]:
    """Return the servers of a URL, in its order."""
    hosts = str(parameters.get("host") or "").split(",")
    ports = str(parameters.get("port") or "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    # The driver rejects other numbers of ports.
    return [*zip(hosts, ports, strict=True)] if len(ports) == len(hosts) else []


def describe_silent(parameters: Mapping[str, Any]) -> str:
    """Return which servers of a URL with several did not respond, in words; empty without one."""
    servers = servers_of(parameters)
    silent = [
        f"{host}:{port}" if port else host
        for host, port in servers
        if (host, port) in _silent_servers
    ]
    return f"no response of {', '.join(silent)}" if silent and len(servers) > 1 else ""


class PostgresConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection that a deadline can abort."""

    is_aborted = False
    last_failure: ClassVar[psycopg.Error | None] = None
    """Why no connection was opened last time; None if one was."""
    is_pooled = False
    """Whether a pooler is in front of the server: see `find_pooler`."""

    @classmethod
    async def connect(cls, _: str = "", /, **kwargs: Any) -> Self:
        """Connect, as the driver does, and remember a failure: the pool has its own error."""
        try:
            connection = await cls._connect_to_any(kwargs)
        except psycopg.Error as error:
            cls.last_failure = type(error)(str(error))  # without frames, which have a connection
            raise
        cls.last_failure = None
        return connection

    @classmethod
    async def _connect_to_any(cls, parameters: Mapping[str, Any]) -> Self:
        """Connect to the first server that accepts, and remember which ones do not respond.

        The driver does the same, but begins with the same one each time.
        """
        servers, now = servers_of(parameters), asyncio.get_running_loop().time()
        if len(servers) < 2 or {"hostaddr", "load_balance_hosts"} & parameters.keys():
            return await super().connect(**parameters)

        def is_last(server: Server) -> bool:
            return now < _silent_servers.get(server, -math.inf) + _SILENT_TTL

        failures: list[psycopg.Error] = []
        for server in sorted(servers, key=is_last):
            host, port = server
            try:
                connection = await super().connect(**{**parameters, "host": host, "port": port})
            except psycopg.errors.ConnectionTimeout as error:
                _silent_servers[server] = now
                failures.append(error)
            except psycopg.OperationalError as error:
                _silent_servers.pop(server, None)
                failures.append(error)
            else:
                _silent_servers.pop(server, None)
                return connection
        raise type(failures[-1])("\n".join(map(str, failures)))

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


def port_error(error: psycopg.Error, *, is_write: bool) -> PortError:
    """Return the error of the port for an error of the driver.

    The server names the cause if it has rejected a statement, and so has done nothing. Without a
    cause the connection was lost, also between a pooler and the server, and a write may have been
    done.
    """
    reason, code = describe_error(error), code_of(error)
    if isinstance(error, psycopg.errors.UniqueViolation):
        return UniqueViolation(reason)
    if error.sqlstate in _DAMAGED:
        return CorruptRecord("the table or an index is damaged", code)
    if is_lost(error):
        return (StorageTimeout if is_write else ConnectionLost)(_LOST, code)
    # Without a code, the driver could not encode a value.
    if isinstance(error, psycopg.DataError) or code.startswith(_REJECTED):
        return OperationRejected(reason)
    return StorageUnavailable(reason)


def is_lost(error: psycopg.Error) -> bool:
    """Return whether the connection was lost, to the server or between a pooler and the server."""
    is_named = error.sqlstate is not None and not error.sqlstate.startswith(_CONNECTION_EXCEPTION)
    return isinstance(error, psycopg.OperationalError) and not is_named


def silence_driver() -> None:
    """Log nothing of the driver: its warnings quote the server."""
    for name in ("psycopg", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@code_of.register
def _(error: psycopg.Error) -> str:
    """Return the SQLSTATE; of a connection that failed, the code of the system."""
    return error.sqlstate or system_code_in(error)
