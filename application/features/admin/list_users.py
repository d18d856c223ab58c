"""List users, a page at a time, and count in the audit how many somebody was given."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from application.administration.operator import Operator
from application.features.admin.acts import LIST
from application.features.admin.ports import UserList, UserPage
from application.ports.administration import AuditLog
from application.ports.errors import StorageError
from application.ports.system import Clock, Randomness
from domain.administration.audit import AuditEntry
from domain.cursor import Cursor
from domain.errors import AuditFailed
from domain.features.admin.user_filter import UserFilter
from domain.identifier import RANDOM_BYTES, make_identifier

SUBJECT: Final = "users"
"""What the audit calls all users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsers:
    """List users by the time of their creation, with masked numbers.

    - A cursor is a position in the order of `created_at` and `id`, which stay. So a user who is
      there all the time is listed once, whatever becomes of others.
    - All pages that an operator gets within an hour are in one entry of the audit, with the number
      of users. It is raised before a page is given: a killed process has counted what it gave.
    """

    user_list: UserList
    audit_log: AuditLog
    clock: Clock
    randomness: Randomness

    async def __call__(
        self,
        operator: Operator,
        user_filter: UserFilter,
        cursor: Cursor | None,
        limit: int,
        entry: AuditEntry | None = None,
        *,
        is_shown: bool = True,
    ) -> UserPage:
        """List users after the cursor.

        `entry` of `begin` counts them, by default that of the hour. If `is_shown` is false, only
        the errors matter, and nothing is counted.

        Raises:
            AuditFailed: They were not counted, and are not given.
            StorageError
        """
        operator.check_act(LIST)
        page = await self.user_list.list_after(user_filter, cursor, limit)
        if not is_shown:
            return page
        counted = replace(entry or self._entry_of_hour(operator), count=len(page.users))
        try:
            await self.audit_log.count(counted)
        except StorageError as error:
            raise AuditFailed from error
        return page

    def begin(self, operator: Operator, reason: str) -> AuditEntry:
        """Return an entry of its own for all pages of a job."""
        operator.check(LIST, reason)
        now, random = self.clock.now(), self.randomness.bytes(RANDOM_BYTES)
        return AuditEntry(
            id=make_identifier(now, random),
            at=now,
            actor=operator.actor,
            action=LIST.action,
            subject=SUBJECT,
            reason=reason,
        )

    def _entry_of_hour(self, operator: Operator) -> AuditEntry:
        """Return the entry of the operator for this hour: all processes give it the same id."""
        now = self.clock.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        key = f"{LIST.action} {operator.actor.kind} {operator.actor.id} {hour.isoformat()}"
        return AuditEntry(
            id=make_identifier(hour, sha256(key.encode()).digest()),
            at=now,
            actor=operator.actor,
            action=LIST.action,
            subject=SUBJECT,
        )
