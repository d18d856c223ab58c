"""The port of rate limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.otp.rate_limits import Acquisition, RateLimit, Reservation


class LimitStore(Protocol):
    """Permits of sliding windows, shared by all instances on one database.

    Consistency:

    - No window ever has more permits than its limit, however many requests race, while all clocks
      agree to within `CLOCK_SKEW`.
    - A permit counts for the period of its window, and up to one sixtieth of it longer.
    - A reservation takes one permit of each of its limits, or none at all.
    - Where one limit alone binds, exactly as many permits are acquired as it has.
    - Of a group the first part is used that has a permit of each of its limits.
    - A permit that was acquired more than `CLOCK_SKEW` after the current time does not count.
    - After a limit was lowered, one more permit may pass. A clock that is ahead may delay others.
    - A permit is durable when `acquire` returns. Those of a caller that was cancelled are released
      or expire.
    - A limit that is full costs what an empty one does.
    - Of what a reservation watches nothing is taken. What was acquired says whether one of these
      limits had no permit at that time.

    Names: all windows of one `record_id` may be stored together. A subject is any text of up to
    `MAX_SUBJECT_LENGTH` characters, and `record_id` one of `MAX_LIMIT_RECORD_ID_LENGTH`; the name
    of a window has up to `MAX_WINDOW_NAME_LENGTH` lower-case letters, digits, `_` and `:`.

    No method gets an empty batch: `acquire` has at least one reservation, each of these at least
    one limit or group, an acquisition that is released and `count_used` at least one limit.

    Time limits, in seconds: each call ends within 15, and a call of a request not later than
    `CurrentRequest.storage_deadline` says, half a second more at most.

    Outages: no call is repeated whose result is unknown, because a repetition would count twice.
    When its server works again, so does the store, within 30 seconds.

    Errors of every method: `StorageUnavailable`, `StorageTimeout` and `StorageOverloaded`, after
    which some permits may be acquired or released, and `CorruptRecord` and `OperationRejected`.
    After the store was closed, it is `StorageUnavailable`: it does not connect again.
    """

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        """Acquire several reservations, each as a whole or not at all.

        A rejected one does not affect the others.

        Returns:
            For each reservation what was acquired, or the time when it succeeds if nobody else
            acquires a permit until then.
        """
        ...

    async def release(self, acquisition: Acquisition) -> None:
        """Release permits, at most those that were acquired. Those that expired are skipped.

        An `amount` that is smaller than the one that was acquired leaves the rest.

        Callers release permits once: twice would release those of others.
        """
        ...

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when a reservation succeeds: its time, or later."""
        ...

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        """Return how many permits of each limit count now, 0 where none was ever acquired.

        `acquire` rejects a reservation if fewer permits of one of its limits are left than its
        amount. One call reads all limits, in few round trips for hundreds of them, and writes
        nothing.
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records without permits that count, and return how many.

        A store whose records expire by themselves has none to delete, and returns 0.
        """
        ...
