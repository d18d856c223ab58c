"""The repository of numbers that were assigned by changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.versioned import DeletableRecords, Expiring, Versioned
from domain.features.phone_change.phone_assignment import PhoneAssignments


class PhoneAssignmentsRepository(DeletableRecords[PhoneAssignments], Expiring, Protocol):
    """The assignments of each identity that changed its phone within seven days, by its id."""

    async def list_due_notices(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[PhoneAssignments]]:
        """List up to `limit` records whose `notice_due_at` has passed, the earliest first."""
        ...


@dataclass(frozen=True, slots=True)
class PhoneChangeRepositories:
    """The repositories of changes of the phone."""

    phone_assignments: PhoneAssignmentsRepository
