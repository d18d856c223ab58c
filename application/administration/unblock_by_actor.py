"""Unblock what one person or service token has blocked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from application.administration.act_for_users import ActForUsers
from application.administration.operator import Operator
from application.ports.administration import AuditFilter, AuditLog
from application.ports.identities import Identities
from domain.administration.audit import Actor, AuditAction, AuditEntry
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.errors import UserNotFound
from domain.identifier import parse_identifier
from domain.identities.identity import Identity


class BlockState(StrEnum):
    """What becomes of a block."""

    UNBLOCKED = "unblocked"
    BY_OTHERS = "by_others"
    """Somebody else blocked the account too, before or after: it stays blocked."""
    WITHOUT_ACCOUNT = "without_account"
    """The number had no account. Its hash does not say which number it is."""


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """The first entry of a block in the audit, and what becomes of it."""

    entry: AuditEntry
    state: BlockState


@dataclass(frozen=True, slots=True, kw_only=True)
class UnblockByActor:
    """Unblock the accounts that one person or service token has blocked since a time.

    Each is unblocked as by `ActForUsers.unblock`, with an entry of its own in the audit. Another
    call goes on where one was interrupted. An account that is not blocked now is left out.
    """

    act: ActForUsers
    audit_log: AuditLog
    identities: Identities

    async def __call__(
        self,
        operator: Operator,
        actor: Actor,
        since: datetime,
        reason: str,
        *,
        is_dry_run: bool = False,
    ) -> Sequence[FoundBlock]:
        """Unblock them, and return the blocks, the earliest first."""
        entries = [entry async for entry in self._list(AuditFilter(actor=actor), since)]
        first = {entry.subject: entry for entry in _list_done(entries, actor)}
        found = list[FoundBlock]()
        for entry in reversed(first.values()):
            if parse_identifier(entry.subject) is None:
                found.append(FoundBlock(entry, BlockState.WITHOUT_ACCOUNT))
                continue
            loaded = await self.identities.load(entry.subject)
            if loaded is None or not loaded.value.is_blocked or loaded.value.is_closed:
                continue
            if await self._is_by_others(loaded.value, entry, actor):
                found.append(FoundBlock(entry, BlockState.BY_OTHERS))
                continue
            with suppress(UserNotFound):  # it was deleted meanwhile
                if not is_dry_run:
                    await self.act.unblock(operator, entry.subject, reason)
                found.append(FoundBlock(entry, BlockState.UNBLOCKED))
        return found

    async def _is_by_others(self, identity: Identity, first: AuditEntry, actor: Actor) -> bool:
        if identity.blocked_at is not None and identity.blocked_at < first.at:
            return True
        entries = [entry async for entry in self._list(AuditFilter(subject=identity.id), first.at)]
        return any(
            entry.action is AuditAction.BLOCK and not entry.actor.is_same(actor)
            for entry in entries
        )

    async def _list(self, audit_filter: AuditFilter, since: datetime) -> AsyncIterator[AuditEntry]:
        cursor = None
        while True:
            page = await self.audit_log.list_after(audit_filter, cursor, MAX_PAGE_SIZE)
            for entry in page:
                if entry.at < since:
                    return
                yield entry
            if len(page) < MAX_PAGE_SIZE:
                return
            cursor = Cursor(page[-1].at, page[-1].id)


def _list_done(entries: Sequence[AuditEntry], actor: Actor) -> Sequence[AuditEntry]:
    failed = {entry.failed_entry_id for entry in entries}
    return [
        entry
        for entry in entries
        if entry.action is AuditAction.BLOCK
        and entry.actor.is_same(actor)
        and entry.failed_entry_id is None
        and entry.id not in failed
    ]
