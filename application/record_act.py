"""Count and write who acts for somebody else, before it is done."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from application.limits.actor_limits import ActorLimits
from application.ports.administration import AuditLog
from application.ports.errors import StorageError
from application.ports.security_events import SecurityEvent, SecurityEvents
from application.ports.system import Clock, Randomness
from application.principal import Principal
from domain.administration.act_limits import LIMITS_OF_ACTS, ActLimit
from domain.administration.audit import Actor, ActorKind, AuditAction, AuditEntry
from domain.errors import AuditFailed
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.role import Role


@dataclass(frozen=True, kw_only=True)
class ActRecorded(SecurityEvent):
    """An audit entry was written, without its reason: the entry of an act, or that it failed.

    After a backup was restored, the log has the entries that the database lacks.
    """

    name = "act_recorded"
    is_always_logged = True
    entry_id: str
    actor_kind: ActorKind
    actor_id: str
    action: AuditAction
    subject: str
    item_id: str | None = None
    role: Role | None = None
    failed_entry_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RecordAct:
    """Write an audit entry before an act, and a second one if the act fails. The log has both.

    - What is written counts on its limit (`LIMITS_OF_ACTS`). So a use case writes an act when its
      subject is known and its input is valid, and calls `check_…` for that before.
    - A line of the log after the act would be missing after a crash. An act that nobody can find is
      worse than an entry of an act that was not done.
    - An act without a second entry was done, or the process ended in the middle of it. One entry
      that is completed after the act would have to change, and `AuditLog` changes none.
    """

    audit_log: AuditLog
    limits: ActorLimits
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    @asynccontextmanager
    async def __call__(
        self,
        actor: Actor,
        action: AuditAction,
        subject: str,
        reason: str = "",
        item_id: str | None = None,
        role: Role | None = None,
        limit: ActLimit | None = None,
    ) -> AsyncIterator[None]:
        """Write the entry, then run the block. Exceptions of the block propagate.

        `limit` is what it counts on, if not what its action does.
        """
        entry = await self.begin(actor, action, subject, reason, item_id, role, limit)
        try:
            yield
        except BaseException as error:
            # Also a cancellation, as after a disconnect: nobody knows whether the act was done.
            await self.fail(entry, error)
            raise

    @asynccontextmanager
    async def for_another(
        self, principal: Principal, action: AuditAction, subject: str, item_id: str | None = None
    ) -> AsyncIterator[None]:
        """Write the entry if somebody of the staff acts for somebody else, then run the block."""
        if subject == principal.identity.id:
            yield
            return
        identity = principal.identity
        actor = Actor(ActorKind.ADMINISTRATOR, identity.id, role=identity.staff.role)
        async with self(actor, action, subject, item_id=item_id):
            yield

    async def begin(
        self,
        actor: Actor,
        action: AuditAction,
        subject: str,
        reason: str = "",
        item_id: str | None = None,
        role: Role | None = None,
        limit: ActLimit | None = None,
    ) -> AuditEntry:
        """Write the entry of an act that does not fit into a block; see `__call__`."""
        limit = limit or LIMITS_OF_ACTS[action]
        if limit is not None:
            await self.limits.acquire_act(actor, limit)
        entry = AuditEntry(
            id=self._make_id(),
            at=self.clock.now(),
            actor=actor,
            action=action,
            subject=subject,
            reason=reason,
            item_id=item_id,
            role=role,
        )
        try:
            is_added = await self.audit_log.add(entry)
            if not is_added:
                # A job that goes on after an outage repeats a write which may have been done: then
                # the entry is there twice. That a second id is taken too is not by chance.
                entry = replace(entry, id=self._make_id())
                is_added = await self.audit_log.add(entry)
        except StorageError as error:
            raise AuditFailed from error
        if not is_added:
            raise AuditFailed
        self._log(entry)
        return entry

    async def fail(self, entry: AuditEntry, error: BaseException) -> None:
        """Write the second entry of an act that failed, as far as possible."""
        failure = replace(
            entry,
            id=self._make_id(),
            # In a list it comes after the first entry, also if both are of one millisecond.
            at=max(self.clock.now(), entry.at + timedelta(milliseconds=1)),
            failed_entry_id=entry.id,
            error=_name(error),
        )
        # The log has it also if the database is away: nobody should repeat an act that failed.
        self._log(failure)
        with suppress(StorageError):
            await self.audit_log.add(failure)

    def _log(self, entry: AuditEntry) -> None:
        self.events.record(
            ActRecorded(
                entry_id=entry.id,
                actor_kind=entry.actor.kind,
                actor_id=entry.actor.id,
                action=entry.action,
                subject=entry.subject,
                item_id=entry.item_id,
                role=entry.role,
                failed_entry_id=entry.failed_entry_id,
                error=entry.error,
            )
        )

    def _make_id(self) -> str:
        return make_identifier(self.clock.now(), self.randomness.bytes(RANDOM_BYTES))


def _name(error: BaseException) -> str:
    """Return the name of an error in lower case: its text may have a phone."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
