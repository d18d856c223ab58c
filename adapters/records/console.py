"""The stored form of sessions of the web console."""

from datetime import datetime

from adapters.records.record_kind import Record


class ConsoleSessionRecord(Record, kw_only=True):
    """A session of the console, without its secret."""

    id: str
    secret_hash: str
    identity_id: str
    session_version: int
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
