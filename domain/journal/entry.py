"""An entry of the journal: what outlives a backup that is restored."""

from dataclasses import dataclass
from datetime import datetime

from domain.administration.audit import AuditAction
from domain.identities.role import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One act, by its user or an operator. It has no number.

    Attributes:
        at: When it was done.
        action: What was done.
        id: The identity; None for a phone without one.
        phone_index: The blind index of the phone, after the act.
        former_phone_index: The blind index of the former number, if the phone changed.
        index_key: The id of the key of both indexes.
        role: The role after the act, where it changed.
        item_id: The item of the library, whose owner `id` is.
        session_id: The one session that did not end.
        passkey_id: The short id of a passkey that was removed.
    """

    at: datetime
    action: AuditAction
    id: str | None = None
    phone_index: str | None = None
    former_phone_index: str | None = None
    index_key: str | None = None
    role: Role | None = None
    item_id: str | None = None
    session_id: str | None = None
    passkey_id: str | None = None
