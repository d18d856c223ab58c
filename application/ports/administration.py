"""The port of administration: the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import Expiring
from domain.administration.audit import Actor, AuditEntry
from domain.cursor import Cursor


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are listed: those about someone, by someone, or all.

    `AuditLog` answers one of them only; `ListAudit` both.
    """

    subject: str | None = None
    actor: Actor | None = None


class AuditLog(Expiring, Protocol):
    """Audit entries, which cannot be changed: a method exists only for a count that rises."""

    async def add(self, entry: AuditEntry) -> bool:
        """Add an entry. After True it is durable; False if its id exists."""
        ...

    async def count(self, entry: AuditEntry) -> None:
        """Add an entry with a count, or add its count to that of the stored entry with its id.

        However many do so at the same time, each is counted. Afterwards it is durable.
        """
        ...

    async def list_after(
        self, audit_filter: AuditFilter, cursor: Cursor | None, limit: int
    ) -> Sequence[AuditEntry]:
        """List up to `limit` entries after the cursor, the newest first."""
        ...
