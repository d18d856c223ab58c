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
from domain.administration.scopes import Scope
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

    - Entries about an account include those about its phone from before there was an account.
    - With a subject and an actor, a page may have fewer entries than its limit, even none, and not
      be the last: no index answers both.
    """

    audit_log: AuditLog
    identities: Identities
    keyed_hashes: KeyedHashes

    async def __call__(
        self, operator: Operator, audit_filter: AuditFilter, cursor: Cursor | None, limit: int
    ) -> AuditPage:
        operator.check_scope(Scope.READ_AUDIT)
        size = min(limit, MAX_PAGE_SIZE)
        subject, actor = audit_filter.subject, audit_filter.actor
        filters = [audit_filter]
        if subject is not None:
            filters = [AuditFilter(subject=each) for each in await self._find_subjects(subject)]
        found = await asyncio.gather(
            *(self.audit_log.list_after(each, cursor, size + 1) for each in filters)
        )
        in_order = sorted(chain(*found), key=lambda entry: (entry.at, entry.id), reverse=True)
        entries = in_order[: size + 1]
        shown = entries[:size]
        has_more = len(entries) > len(shown)
        return AuditPage(
            [entry for entry in shown if actor is None or actor.is_same(entry.actor)],
            Cursor(shown[-1].at, shown[-1].id) if has_more else None,
        )

    async def _find_subjects(self, subject: str) -> Sequence[str]:
        """Return the subject, and for the id of an account the hash of its phone too."""
        identity_id = parse_identifier(subject)
        loaded = await self.identities.load(identity_id) if identity_id else None
        if loaded is None or loaded.value.is_closed or loaded.value.phone is None:
            return [subject]
        return [subject, self.keyed_hashes.hash_phone(loaded.value.phone)]
