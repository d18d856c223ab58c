"""The repository of identities."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Records, Versioned
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.username import Username


class Identities(Records[Identity], Protocol):
    """Identities by id, deleted or not.

    Only `replace_phone` changes a phone; `add` sets it, and `replace` can only remove it.

    - No two have the same username key, including deleted ones, or the same external id: `add` and
      `replace` raise UniqueViolation if another identity has one of them. The key is stored with
      the name, and a loaded username has the stored key: it is never derived from the text again.
    - Lists of several leave out what cannot be read, and the log names it once. If many
      administrators cannot be read, their list raises CorruptRecord. An `offset` counts what was
      left out too.
    """

    async def replace_phone(self, identity: Identity, version: int) -> bool:
        """Replace the identity with its phone; see `replace`."""
        ...

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Find the identity with the key of this name, deleted or not."""
        ...

    async def list_staff_like(self, username: Username) -> Sequence[Versioned[Identity]]:
        """List identities that keep look-alikes of their name, such as this one, from others."""
        ...

    async def list_administrators(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List administrators with an open account, the oldest first."""
        ...

    async def find_by_external_id(self, external_id: ExternalId) -> Versioned[Identity] | None:
        """Find the identity with this external id. A deleted one has none."""
        ...

    async def list_phone_changes(
        self, attempted: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        """List identities, also deleted ones, whose change was attempted at this time or earlier.

        The earliest attempt is first.
        """
        ...

    async def list_with_due_events(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        """List identities whose `events.next_send_at` is now or earlier, the earliest first.

        The first `offset` ones are skipped.
        """
        ...

    async def list_with_failed_events(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List identities with `events.failed_at`, the earliest first."""
        ...

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that belong to deleted identities."""
        ...

    async def list_expired(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        """List identities whose `expires_at` has passed, the earliest first."""
        ...

    async def list_unpurged(self, limit: int, offset: int = 0) -> Sequence[Versioned[Identity]]:
        """List deleted identities that are not purged, the oldest first."""
        ...

    async def count_users(self, limit: int) -> int | None:
        """Return how many identities have a username and are not deleted.

        None where more than `limit` have a username, deleted or not: they are not counted.
        """
        ...

    async def estimate_number(self) -> int:
        """Return about how many identities there are, within seconds; 0 if unknown."""
        ...

    async def list_with_username(
        self, deleted: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        """List identities with a username that were deleted until this time."""
        ...
