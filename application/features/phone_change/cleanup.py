"""What the cleanup does for changes of phones."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.features.phone_change.complete import CompletePhoneChange
from application.features.phone_change.notify_new_number import RETRY_DELAY
from application.features.phone_change.ports import PhoneAssignmentsRepository
from application.operations.cleanup import BATCH_SIZE, CleanupStep, expire
from application.pacing import call_in_groups
from application.ports.identities import Identities
from application.ports.versioned import Versioned
from domain.errors import PhoneInUse
from domain.features.phone_change.errors import UndoNotPossible
from domain.features.phone_change.phone_assignment import PhoneAssignments
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpPhoneChanges:
    """Complete a change of a phone that was interrupted, and send its messages."""

    identities: Identities
    phone_assignments: PhoneAssignmentsRepository
    complete: CompletePhoneChange

    def steps(self) -> Mapping[str, CleanupStep]:
        """Return the steps in their order."""
        return {
            "completed_phone_changes": self._complete_phone_changes,
            "expired_phone_assignments": expire(self.phone_assignments),
        }

    async def forget_identity(self, identity_id: str) -> None:
        """Delete which numbers an identity had.

        Raises:
            StorageError
        """
        if (assigned := await self.phone_assignments.load(identity_id)) is not None:
            await self.phone_assignments.delete(identity_id, assigned.version)

    async def _complete_phone_changes(self, now: datetime) -> int:
        interrupted = await self.identities.list_phone_changes(now - RETRY_DELAY, BATCH_SIZE)

        async def complete(loaded: Versioned[Identity]) -> bool:
            with suppress(PhoneInUse, UndoNotPossible):
                await self.complete(loaded.value.id)
            return True

        async def notify(assignments: Versioned[PhoneAssignments]) -> bool:
            await self.complete.notify_new_number(assignments.value.id)
            return True

        completed = sum(await call_in_groups(complete, interrupted))
        due = await self.phone_assignments.list_due_notices(now, BATCH_SIZE)
        return completed + sum(await call_in_groups(notify, due))
