"""The port of rate limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.otp.rate_limits import RateLimit


class LimitStore(Protocol):
    """Permits of sliding windows, shared by all instances on one database.

    Consistency:

    - No window ever has more permits than its limit, however many requests race, while all clocks
      agree to within `CLOCK_SKEW`.
    - A permit counts for the period of its window, and up to one sixtieth of it longer.
    - `acquire` acquires one permit of each of its limits, or none at all.
    - If only one limit is short, all of its permits are acquired, no more.
    - A permit that was acquired more than `CLOCK_SKEW` after the current time does not count.
    - After a limit was lowered, one more permit may pass. A clock that is ahead may delay others.
    - A permit is durable when `acquire` returns. Those of a caller that was cancelled are released
      or expire.
    - A limit that is full costs what an empty one does.

    Names: all windows of one `record_id` may be stored together. A subject is any text of up to
    `MAX_SUBJECT_LENGTH` characters, and `record_id` one of `MAX_LIMIT_RECORD_ID_LENGTH`; the name
    of a window has up to `MAX_WINDOW_NAME_LENGTH` lower-case letters, digits, `_` and `:`.

    Each call names at least one limit, and none twice.

    Time limits, in seconds: each call ends within 15, and a call of a request not later than
    `CurrentRequest.storage_deadline` says, half a second more at most.

    Outages: a call with an unknown result is not repeated, because a repetition would count twice.
    The store works again within 30 seconds after its server does.

    Errors of every method: `StorageUnavailable`, `StorageTimeout` and `StorageOverloaded`, after
    which some permits may be acquired or released, and `CorruptRecord` and `OperationRejected`.
    After the store was closed, it is `StorageUnavailable`: it does not connect again.
    """

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        """Acquire a permit of each of these limits, or none at all.

        Returns:
            None if they were acquired. Otherwise the time when this call succeeds if nobody else
            acquires a permit until then.
        """
        ...

    async def release(self, limits: Sequence[RateLimit], acquired_at: datetime) -> None:
        """Release permits that were acquired at this time. Those that expired are skipped.

        Callers release permits once: twice would release those of others.
        """
        ...

    async def next_available(self, limits: Sequence[RateLimit], now: datetime) -> datetime:
        """Return when each of these limits has a permit: now, or later."""
        ...

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        """Return how many permits of each limit count now, 0 where none was ever acquired.

        One call reads all limits, in few round trips for hundreds of them, and writes nothing.
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records without permits that count, and return how many.

        A store whose records expire by themselves has none to delete, and returns 0.
        """
        ...
