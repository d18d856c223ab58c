from datetime import datetime
from typing import Protocol

from domain.otp.rate_limits import Reservation


class RateLimiter(Protocol):
    """Slots in rolling windows, given out to any number of instances.

    However many draw at once, no window ever holds more slots than its limit, and where one
    budget alone binds, exactly as many are taken as it has. A slot of a time more than
    `CLOCK_SKEW` ahead of a draw counts for nothing in it.
    """

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Take one slot of each budget of the draw, or none.

        None means that they are taken, durably. Otherwise: when each of them has room again,
        if nobody else draws until then.

        Raises:
            StorageUnavailable: some slots may be taken.
        """
        ...

    async def release(self, reservation: Reservation) -> None:
        """Free the draw's slots; those that are not there are passed over.

        Raises:
            StorageUnavailable
        """
        ...

    async def next_available(self, reservation: Reservation) -> datetime:
        """Say when each budget of the draw has room: the draw's own time, or later.

        Raises:
            StorageUnavailable
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Forget up to `limit` of what counts in no window any more; say how many.

        Raises:
            StorageUnavailable
        """
        ...
