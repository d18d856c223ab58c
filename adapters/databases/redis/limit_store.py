"""Rate limits: a key for each subject and purpose, in which a script counts a whole batch."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from adapters.databases.records.batch_loader import BatchLoader
from adapters.databases.records.call_deadlines import CallDeadlines
from adapters.databases.records.limit_batches import Change, ChangeOutcome, LimitBatches, ids_of
from adapters.databases.records.limits import (
    LIMITS,
    LimitRecord,
    count_used,
    find_available,
    record_ids,
)
from adapters.databases.redis.counting import COUNT, decode_outcomes, encode_changes
from adapters.shared.causes import code_of
from application.ports.errors import StorageTimeout, StorageUnavailable
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow

_CLOSED: Final = "the connections to Redis are closed"
_NO_ANSWER: Final = "Redis does not answer in time"
_NEVER_FULL: Final = SlidingWindow(2**31, timedelta(seconds=1))
_CHECK: Final = Reservation(
    datetime(1970, 1, 1, tzinfo=UTC),
    (RateLimit("check", LimitPurpose.DELIVERIES, "checks", _NEVER_FULL),),
)
"""What a health check acquires, so that it writes each time. Its record stays for a minute."""

T = TypeVar("T")


class RedisLimitStore:
    """A `LimitStore`: see there what each method promises.

    - A key has the JSON of a record. It expires by itself, and how long it stays is relative, so
      the clock of Redis does not matter.
    - A permit is as durable as Redis makes it: with `appendfsync always` it survives a crash.
    - Nothing is repeated whose result is unknown: it might count twice.
    """

    def __init__(self, redis: Redis, prefix: str, timeout_seconds: float) -> None:
        """Set the client, how all keys begin, and the timeout of a call."""
        self._redis = redis
        self._prefix = prefix
        # After Redis has lost its scripts, the client loads this one again.
        self._count = redis.register_script(COUNT)
        self._deadlines = CallDeadlines(timeout_seconds, store="limits")
        self._batches = LimitBatches(self._execute)
        self._loader = BatchLoader(self._fetch, LIMITS.name)
        self._is_closed = False

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        return await self._deadlines.wait_for_batch(
            lambda: self._batches.acquire(reservations), StorageTimeout
        )

    async def release(self, acquisition: Acquisition) -> None:
        await self._deadlines.wait_for_batch(
            lambda: self._batches.release(acquisition), StorageTimeout
        )

    async def next_available(self, reservation: Reservation) -> datetime:
        return find_available(reservation, await self._load_records(record_ids(reservation)))

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        return count_used(
            limits, await self._load_records({limit.record_id for limit in limits}), now
        )

    async def delete_expired(self, now: datetime, limit: int) -> int:
        # Keys expire by themselves.
        del now, limit
        return 0

    async def check(self) -> None:
        await self._call(self.try_out)

    async def try_out(self) -> None:
        """Read and count as for a request. A replica rejects it, and so does one without memory.

        Raises:
            RedisError
        """
        ids = record_ids(_CHECK)
        keys = [self._key(record_id) for record_id in ids]
        await self._load(keys)
        await self._count(keys, encode_changes([_CHECK], ids))

    async def close(self) -> None:
        """Close the connections when no batch is under way. Later calls fail."""
        await self._batches.finish()
        await self._loader.finish()
        self._is_closed = True
        await self._redis.aclose()

    async def _load_records(self, ids: Collection[str]) -> Mapping[str, LimitRecord]:
        return await self._deadlines.wait_for_batch(
            lambda: self._loader.load_many(ids), StorageUnavailable
        )

    async def _fetch(self, ids: Sequence[str]) -> Mapping[str, LimitRecord]:
        keys = [self._key(record_id) for record_id in ids]
        values = await self._call(lambda: self._load(keys))
        found = zip(ids, values, strict=True)
        return {record_id: LIMITS.decode(value) for record_id, value in found if value is not None}

    async def _execute(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        ids = ids_of(changes)
        keys = [self._key(record_id) for record_id in ids]
        arguments = encode_changes(changes, ids)
        outcomes = await self._call(lambda: self._count(keys, arguments))
        return decode_outcomes(changes, outcomes)

    async def _load(self, keys: Sequence[bytes]) -> Sequence[Any]:
        """Return the values of keys, and None for each that does not exist."""
        values: Sequence[Any] = await self._redis.mget(keys)
        return values

    def _key(self, record_id: str) -> bytes:
        return f"{self._prefix}{record_id}".encode()

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call of Redis with a deadline.

        Raises:
            StorageError
        """

        async def call_until(deadline: float) -> T:
            if self._is_closed:  # the client would connect again
                raise StorageUnavailable(_CLOSED)
            try:
                async with asyncio.timeout_at(deadline):
                    return await call()
            except (TimeoutError, RedisTimeoutError):
                raise StorageTimeout(_NO_ANSWER) from None
            except RedisError as error:
                if isinstance(error, ReadOnlyError):
                    # It is no longer the primary: its name may lead to another server now.
                    await self._redis.connection_pool.disconnect(inuse_connections=False)
                reason = f"Redis failed with {type(error).__name__}"
                raise StorageUnavailable(reason, code_of(error)) from None

        return await self._deadlines.limit(call_until)


@code_of.register
def _(error: RedisError) -> str:
    # Its text says less than the error of the network that the client handled.
    return code_of(error.__context__) if error.__context__ else ""
