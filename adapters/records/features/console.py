"""The records of sessions of the web console."""

from datetime import datetime
from typing import Final

from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.records.record_repository import RecordRepository
from application.ports.console import ConsoleRepositories
from domain.console.session import ConsoleSession


class ConsoleSessionRecord(Record, kw_only=True):
    """A session of the console, without its secret."""

    id: str
    secret_hash: str
    identity_id: str
    session_version: int
    created_at: datetime
    last_used_at: datetime
    passkey_id: str | None = None
    expires_at: datetime


CONSOLE_SESSIONS: Final = RecordKind(
    "console_sessions",
    ConsoleSessionRecord,
    Index(name="console_sessions_expires_at", order=EXPIRES_AT),
)


def make_console_repositories(database: Database) -> ConsoleRepositories:
    """Return the repositories of the web console."""
    mapping = RecordMapping(CONSOLE_SESSIONS, ConsoleSession)
    return ConsoleRepositories(sessions=RecordRepository(database.records, mapping))


KINDS: Final = (CONSOLE_SESSIONS,)
