"""The driver: connections that a deadline can abort, and the errors of the port.

The messages of the driver and of the server hold users, hosts and values of records: `cause_of`
shows what is left without them, in the log only.
"""

import asyncio
import logging
import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Self

import psycopg
from psycopg.rows import TupleRow

from adapters.causes import Cause, cause_of, mask_message
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
_REJECTED: Final = ("22", "54", "XX")
"""Classes of SQLSTATE that are about values or rows of a statement: data exceptions, limits of the
server such as the size of a value, and internal errors, which is what most damage looks like."""
_DATA_EXCEPTION: Final = "22"
_WITHOUT_VALUES: Final = ("42", "XX")
"""Classes of SQLSTATE about the statement, which has its values elsewhere, and about damage."""
_IDENTIFIER: Final = re.compile('"([a-z_]+)"')


class ConnectionLost(StorageUnavailable):
    """The connection was lost during a statement that changes nothing."""


class PostgresConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection that a deadline can abort."""

    is_aborted = False
    last_failure: ClassVar[str] = ""
    """Why no connection was opened last time; an empty text if one was."""
    is_pooled = False
    """Whether a pooler is in front of the server: see `find_pooler`."""

    @classmethod
    async def connect(cls, *args: Any, **kwargs: Any) -> Self:
        """Connect, as the driver does, and remember a failure: the pool has its own error."""
        try:
            connection = await super().connect(*args, **kwargs)
        except psycopg.Error as error:
            cls.last_failure = str(cause_of(error))
            raise
        cls.last_failure = ""
        return connection

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
    cause = cause_of(error)
    if isinstance(error, psycopg.errors.UniqueViolation):
        return UniqueViolation(describe_cause(error), cause.message)
    if error.sqlstate in _DAMAGED:
        return CorruptRecord("the table or an index is damaged", str(cause))
    if is_lost(error):
        return (StorageTimeout if is_write else ConnectionLost)(_LOST, str(cause))
    # Without a code, the driver could not encode a value.
    if isinstance(error, psycopg.DataError) or cause.code.startswith(_REJECTED):
        return OperationRejected(describe_cause(error), cause.message)
    return StorageUnavailable(describe_cause(error), cause.message)


def is_lost(error: psycopg.Error) -> bool:
    """Return whether the connection was lost, to the server or between a pooler and the server."""
    is_named = error.sqlstate is not None and not error.sqlstate.startswith(_CONNECTION_EXCEPTION)
    return isinstance(error, psycopg.OperationalError) and not is_named


def silence_driver() -> None:
    """Log nothing of the driver: its warnings quote the server."""
    for name in ("psycopg", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def describe_cause(error: Exception) -> str:
    """Return the class of an error, and the SQLSTATE if the server has sent one."""
    name, code = type(error).__name__, getattr(error, "sqlstate", None)
    return f"{name} {code}" if code else name


def explain(error: psycopg.Error) -> str:
    """Return class, SQLSTATE and message of an error, for the operator."""
    return str(Cause(describe_cause(error), cause_of(error).message))


@cause_of.register
def _(error: psycopg.Error) -> Cause:
    """Return the SQLSTATE and the primary message; its names of the schema stay.

    DETAIL, HINT, QUERY and CONTEXT have values of records, and so may the message of an error
    without a SQLSTATE: the driver and libpq quote the URL.
    """
    code = error.sqlstate
    if code is None:
        return Cause(message=mask_message(str(error)))
    fields, text = error.diag, error.diag.message_primary or ""
    if code.startswith(_DATA_EXCEPTION):
        # The value may have quotes of its own.
        text = re.sub('".*"', '""', text, flags=re.DOTALL)
    names = {fields.constraint_name, fields.schema_name, fields.table_name}
    names |= {fields.column_name, fields.datatype_name}
    known = [name for name in names if name]
    if code.startswith(_WITHOUT_VALUES):
        known += _IDENTIFIER.findall(text)
    return Cause(code, mask_message(text, known))
