"""The audit log of each database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from application.ports.administration import AuditFilter
from application.ports.repositories import Repositories
from domain.administration.audit import AUDIT_RETENTION, Actor, ActorKind, AuditAction, AuditEntry
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, an_id

pytestmark = IN_MEMORY_FIRST

MINUTE: Final = timedelta(minutes=1)
ALICE: Final = Actor(ActorKind.OPERATING_SYSTEM_USER, "alice")
ADMINISTRATOR: Final = Actor(ActorKind.ADMINISTRATOR, "alice")


def an_entry(number: int, **changes: Any) -> AuditEntry:
    entry = AuditEntry(
        id=an_id(number),
        at=NOW + number * MINUTE,
        actor=ALICE,
        action=AuditAction.BLOCK,
        subject=an_id(100),
    )
    return replace(entry, **changes)


async def test_entries_are_listed_by_subject_by_actor_and_all(repositories: Repositories) -> None:
    entries = [
        an_entry(1),
        an_entry(2, actor=ADMINISTRATOR),
        an_entry(3, subject="a hash", reason="why"),
        an_entry(4, subject="a hash", failed_entry_id=an_id(3), error="storage_timeout"),
    ]
    for entry in entries:
        assert await repositories.audit_log.add(entry)

    async def listed(audit_filter: AuditFilter) -> list[AuditEntry]:
        return [*await repositories.audit_log.list_after(audit_filter, None, 10)]

    assert await listed(AuditFilter()) == entries[::-1]
    assert await listed(AuditFilter(subject="a hash")) == [entries[3], entries[2]]
    assert await listed(AuditFilter(actor=ADMINISTRATOR)) == [entries[1]]
    assert await listed(AuditFilter(subject=an_id(999))) == []
    # An entry is written once, and deleted after its retention.
    assert not await repositories.audit_log.add(an_entry(1, reason="another"))
    assert not {"replace", "delete", "overwrite"} & set(dir(repositories.audit_log))
    assert await repositories.audit_log.delete_expired(NOW + MINUTE + AUDIT_RETENTION, 9) == 1
    assert await listed(AuditFilter()) == entries[:0:-1]
