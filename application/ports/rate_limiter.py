"""The counters of rate limits."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Protocol

from domain.otp.rate_limits import Permit, RateLimit, Reservation


class RateLimiter(Protocol):
    """Permits of sliding windows, shared by all instances on one database.

    - No window ever has more permits than its limit, however many requests race.
    - Where one limit alone binds, exactly as many permits are acquired as it has.
    - A limit with a value never has permits of more values than its limit. A value that has a
      permit does not need another one: its permit gets the time of the reservation.
    - Where a limit has no permit left, one of its fallback is acquired, and released later.
    - A permit that was acquired more than `CLOCK_SKEW` after the current time does not count.
    """

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a permit of each limit, or none.

        Returns:
            None where they are acquired, durably. Otherwise the time when each limit has a permit
            again, if nobody else acquires one until then.

        Raises:
            StorageError: some permits may be acquired.
        """
        ...

    def acquire_each(self, *reservations: Reservation) -> Awaitable[Sequence[datetime | None]]:
        """Acquire several reservations at the same time, each as `acquire` does.

        They have no limit in common, so a rejected one does not affect the others.

        Raises:
            StorageError: some permits may be acquired.
        """
        ...

    async def release(self, reservation: Reservation) -> None:
        """Release the permits. Those that do not exist are skipped, those of a value are kept.

        Raises:
            StorageError
        """
        ...

    def next_available(self, reservation: Reservation) -> Awaitable[datetime]:
        """Return when each limit has a permit: the time of the reservation, or later.

        Raises:
            StorageError
        """
        ...

    def list_permits(self, limit: RateLimit, now: datetime) -> Awaitable[Sequence[Permit]]:
        """Return the permits that count in the window now, the latest last.

        The limit has at most 100 permits.

        Raises:
            StorageError
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` entries that count in no window anymore, and return their number.

        Raises:
            StorageError
        """
        ...
