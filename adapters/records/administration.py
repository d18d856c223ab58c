"""The stored form of audit entries."""

from datetime import datetime
from typing import Literal

import msgspec

from adapters.records.record_kind import Record


class ActorRecord(msgspec.Struct, gc=False):
    """Who acted."""

    kind: Literal["administrator", "user", "service_token", "operating_system_user"]
    id: str
    name: str = ""
    role: str | None = None


class AuditEntryRecord(Record, kw_only=True):
    """An act of an operator, or a change of a user's phone. Only its count is replaced."""

    id: str
    at: datetime
    expires_at: datetime
    actor: ActorRecord
    actor_kind: str
    actor_id: str
    action: str
    subject: str
    reason: str = ""
    item_id: str | None = None
    role: str | None = None
    failed_entry_id: str | None = None
    error: str | None = None
    count: int | None = None
