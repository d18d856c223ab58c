"""The counters of rate limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.otp.rate_limits import Permit, RateLimit, Reservation


class RateLimiter(Protocol):
    """Permits of sliding windows, shared by all instances on one database.

    - No window ever has more permits than its limit, however many requests race, while all clocks
      agree to within `CLOCK_SKEW`.
    - A permit counts for the period of its window, and up to one sixtieth of it longer. One of a
      limit that keeps its permits counts exactly for the period.
    - Where one limit alone binds, exactly as many permits are acquired as it has.
    - A limit with a value never has permits of more values than its limit. A value that has a
      permit does not need another one: its permit gets the time of the reservation.
    - Of a divided limit the first part is used that has a permit of each of its limits.
    - A permit that was acquired more than `CLOCK_SKEW` after the current time does not count.
    - After a limit was lowered, one more permit may pass. A clock that is ahead may delay others.
    """

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a permit of each limit and of a part of each divided one, or none.

        Returns:
            None where they are acquired, durably. Otherwise the time when each limit has a permit
            again, if nobody else acquires one until then.

        Raises:
            StorageError: some permits may be acquired.
        """
        ...

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Acquire several reservations at the same time, each as `acquire` does.

        They have different ids and no limit in common, so a rejected one does not affect the
        others.

        Raises:
            StorageError: some permits may be acquired.
        """
        ...

    async def release(self, reservation: Reservation) -> None:
        """Release the permits of these limits that the reservation with this id acquired.

        It can be released once. Permits that do not exist are skipped, and those of limits that
        keep their permits stay.

        Raises:
            StorageError
        """
        ...

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when each limit has a permit: the time of the reservation, or later.

        Raises:
            StorageError
        """
        ...

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the permits of a listed limit that count in the window now, the latest last.

        Raises:
            StorageError
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired counters, and up to `limit` expired reservations.

        Returns:
            The larger of both numbers. At 0 nothing is left.

        Raises:
            StorageError
        """
        ...
