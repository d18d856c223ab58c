"""How a batch of jobs is served: all writes in one commit, all reads of one snapshot."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from adapters.sqlite.errors import at_run_time
from adapters.sqlite.lane import Job, Refused


def commit_together(connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> Sequence[object]:
    """Do the jobs in one transaction: one that is refused leaves no trace, the others count.

    When the commit fails nothing of any job is there, and each one is refused.
    """
    return _together(connection, "BEGIN IMMEDIATE", _in_savepoint, jobs)


def read_together(connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> Sequence[object]:
    """Do the jobs on one snapshot, taken after the last of them was asked for."""
    return _together(connection, "BEGIN", _attempt, jobs)


def _together(
    connection: sqlite3.Connection,
    begin: str,
    attempt: Callable[[sqlite3.Connection, Job[Any]], object],
    jobs: Sequence[Job[Any]],
) -> Sequence[object]:
    try:
        connection.execute(begin)
        outcomes = [attempt(connection, job) for job in jobs]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        # A failed COMMIT may leave the transaction open, and no other could begin.
        with suppress(sqlite3.Error):
            connection.rollback()
        return [Refused(at_run_time(error)) for _ in jobs]
    return outcomes


def _in_savepoint(connection: sqlite3.Connection, job: Job[Any]) -> object:
    connection.execute("SAVEPOINT job")
    outcome = _attempt(connection, job)
    if isinstance(outcome, Refused):
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")
    return outcome


def _attempt(connection: sqlite3.Connection, job: Job[Any]) -> object:
    try:
        return job(connection)
    except sqlite3.Error as error:
        if not connection.in_transaction:
            # SQLite gave the whole transaction up, as it may on a full disk.
            raise
        return Refused(at_run_time(error))
    except Exception as error:  # noqa: BLE001 -- it goes to the one who asked
        return Refused(error)
