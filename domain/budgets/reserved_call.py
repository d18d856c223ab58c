"""What was taken of budgets for a call that has not ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RESERVED_CALL_TTL: Final = timedelta(hours=25)
"""How long it is kept: as long as the amount counts. A call whose end nobody reports keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedCall:
    """What was taken for a call. A consistency boundary: whoever deletes it gives it back.

    Attributes:
        id: Our id of the call.
        acquired_at: When the amount was taken.
        country: The country of the phone.
        amount: The amount in millionths, of each of its windows.
        part: The part of the budget that it was taken in.
    """

    id: str
    acquired_at: datetime
    country: str
    amount: int
    part: str

    @property
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.acquired_at + RESERVED_CALL_TTL
