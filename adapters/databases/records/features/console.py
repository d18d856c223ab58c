"""The records of sessions and browsers of the web console."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.features.console.ports import ConsoleRepositories
from domain.features.console import CONSOLE_DEVICE_TTL, ConsoleDevices, ConsoleSession


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


class ConsoleDeviceRecord(msgspec.Struct, gc=False):
    """A browser that is recognized; its token is never stored."""

    id: str
    session_version: int
    expires_at: datetime


class ConsoleDevicesRecord(Record, kw_only=True):
    """The browsers of an identity, by its id."""

    id: str
    devices: tuple[ConsoleDeviceRecord, ...]
    expires_at: datetime


CONSOLE_SESSIONS: Final = RecordKind(
    "console_sessions",
    ConsoleSessionRecord,
    Index(name="console_sessions_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "sessions of staff in the web console: who, when, a hash of the secret",
            "id secret_hash identity_id session_version created_at last_used_at passkey_id"
            " expires_at",
            "15 minutes after the last use, an hour at most",
            "staff uses the console",
        ),
    ),
)
CONSOLE_DEVICES: Final = RecordKind(
    "console_devices",
    ConsoleDevicesRecord,
    Index(name="console_devices_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "browsers of staff: a hash of the token in the cookie",
            "id devices(id session_version expires_at) expires_at",
            f"{CONSOLE_DEVICE_TTL.days} days after the last login in it; at most ten",
            "strangers cannot use up the limits of staff",
            "login, cleanup; deletion at once",
            "`console.json`",
        ),
    ),
)


def make_console_repositories(database: Database) -> ConsoleRepositories:
    """Return the repositories of the web console."""
    sessions = RecordMapping(CONSOLE_SESSIONS, ConsoleSession)
    devices = RecordMapping(CONSOLE_DEVICES, ConsoleDevices)
    return ConsoleRepositories(
        sessions=RecordRepository(database.records, sessions),
        devices=RecordRepository(database.records, devices, do_ids_return=True),
    )


KINDS: Final = (CONSOLE_SESSIONS, CONSOLE_DEVICES)
