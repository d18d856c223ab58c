"""List audit entries."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from application.administration.operator import Operator
from application.ports.administration import AuditFilter, AuditLog
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from domain.administration.audit import AuditEntry
from domain.administration.scope import Scope
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.identifier import parse_identifier


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, the newest first, and the cursor of the next page if there is one."""

    entries: Sequence[AuditEntry]
    next_cursor: Cursor | None


@dataclass(frozen=True, slots=True)
class ListAudit:
    """List audit entries, the newest first.

    Entries about an account include those about its phone from before there was an account.
    """

    audit_log: AuditLog
    identities: Identities
    keyed_hashes: KeyedHashes

    async def __call__(
        self, operator: Operator, audit_filter: AuditFilter, cursor: Cursor | None, limit: int
    ) -> AuditPage:
        operator.check_scope(Scope.READ_AUDIT)
        size = min(limit, MAX_PAGE_SIZE)
        filters = [audit_filter, *await self._find_filters_by_phone(audit_filter)]
        found = await asyncio.gather(
            *(self.audit_log.list_after(each, cursor, size + 1) for each in filters)
        )
        in_order = sorted(chain(*found), key=lambda entry: (entry.at, entry.id), reverse=True)
        entries = in_order[: size + 1]
        shown = entries[:size]
        has_more = len(entries) > len(shown)
        return AuditPage(shown, Cursor(shown[-1].at, shown[-1].id) if has_more else None)

    async def _find_filters_by_phone(self, audit_filter: AuditFilter) -> Sequence[AuditFilter]:
        subject = audit_filter.subject and parse_identifier(audit_filter.subject)
        loaded = await self.identities.load(subject) if subject else None
        if loaded is None or loaded.value.is_closed or loaded.value.phone is None:
            return ()
        return (AuditFilter(subject=self.keyed_hashes.hash_phone(loaded.value.phone)),)
