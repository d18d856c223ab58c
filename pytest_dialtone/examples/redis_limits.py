"""Rate limits in Redis or Valkey: a limit store as docs/database_adapters.md says.

Settings: DIALTONE_LIMIT_STORE=pytest_dialtone.examples.redis_limits:open_redis_limits, REDIS_URL,
and REDIS_PREFIX if several services share the server.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from adapters.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
    LoadedRecords,
    apply_changes,
    ids_of,
)
from adapters.records.limits import LIMITS, LimitRecord, count_used, find_available, record_ids
from application.ports.current_request import CURRENT_REQUEST
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    StorageTimeout,
    StorageUnavailable,
)
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation
from pytest_dialtone.relay import open_relay

TIMEOUT: Final = 4.5
"""Seconds for all calls of a request together, and for a batch."""
_MILLISECOND: Final = timedelta(milliseconds=1)
_REPLACE: Final = """
for i, key in ipairs(KEYS) do
    if (redis.call('GET', key) or '') ~= ARGV[3 * i - 2] then
        return 0
    end
end
for i, key in ipairs(KEYS) do
    redis.call('SET', key, ARGV[3 * i - 1], 'PX', ARGV[3 * i])
end
return 1
"""
"""Replaces values by new ones that expire, unless one of them has changed since it was read.

Redis runs a script alone, and as a whole. Unlike WATCH, it leaves no state in a connection.
"""

T = TypeVar("T")


class RedisLimits:
    """Limits as JSON, in one key for each subject and purpose.

    - Keys expire by themselves. How long they stay is relative, so the clock of Redis does not
      matter.
    - A permit is as durable as Redis makes it: with `appendfsync always`, it survives a crash.
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        """Set the client, and how all keys begin."""
        self._redis = redis
        self._prefix = prefix
        self._replace = redis.register_script(_REPLACE)
        self._batches = LimitBatches(self._execute)
        self._is_closed = False

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        return await _in_time(self._batches.acquire(reservations))

    async def release(self, acquisition: Acquisition) -> None:
        await _in_time(self._batches.release(acquisition))

    async def next_available(self, reservation: Reservation) -> datetime:
        return find_available(reservation, await self._load_records(record_ids(reservation)))

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        return count_used(
            limits, await self._load_records({limit.record_id for limit in limits}), now
        )

    async def delete_expired(self, now: datetime, limit: int) -> int:
        # Keys expire by themselves.
        return 0

    async def check(self) -> None:
        # A replica rejects a write, and so does a Redis without memory or disk.
        await _in_time(self._client().set(f"{self._prefix}check", b"", px=1000))

    async def lifetimes(self) -> list[float]:
        """Return after how many seconds Redis deletes each record, for the contract tests."""
        keys = [key async for key in self._redis.scan_iter(f"{self._prefix}*")]
        return [await self._redis.pttl(key) / 1000 for key in keys]

    async def close(self) -> None:
        """Close the connections when no batch is under way. Later calls fail."""
        await self._batches.finish()
        self._is_closed = True
        await self._redis.aclose()

    def _client(self) -> Redis:
        if self._is_closed:  # otherwise it would connect again
            raise StorageUnavailable("the connections to Redis are closed")
        return self._redis

    async def _load_records(self, ids: Collection[str]) -> Mapping[str, LimitRecord]:
        values = await _in_time(self._load(ids))
        return {record_id: LIMITS.decode(value) for record_id, value in values.items()}

    async def _execute(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        return await _in_time(self._change_records(changes))

    async def _change_records(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Change records, and begin again if another instance has changed them meanwhile."""
        while True:
            values = await self._load(ids_of(changes))
            outcomes, changed = apply_changes(changes, _decode(values))
            if not changed:
                return outcomes
            earliest = min(change.acquired_at for change in changes)
            keys, arguments = [], []
            for record_id, record in changed.items():
                keys.append(self._prefix + record_id)
                lifetime = (record.expires_at - earliest) // _MILLISECOND
                arguments += [values.get(record_id, b""), msgspec.json.encode(record), lifetime]
            if await self._replace(keys, arguments):
                return outcomes

    async def _load(self, ids: Collection[str]) -> dict[str, Any]:
        """Return the values that exist, by id."""
        values = await self._client().mget([self._prefix + record_id for record_id in ids])
        found = zip(ids, values, strict=True)
        return {record_id: value for record_id, value in found if value is not None}


def _decode(values: Mapping[str, Any]) -> LoadedRecords:
    records: dict[str, LimitRecord | CorruptRecord] = {}
    for record_id, value in values.items():
        try:
            records[record_id] = LIMITS.decode(value)
        except CorruptRecord as error:
            records[record_id] = error
    return records


async def _in_time(call: Awaitable[T]) -> T:
    """Await a call as long as the request may wait."""
    loop, request = asyncio.get_running_loop(), CURRENT_REQUEST.get()
    now = loop.time()
    deadline = now + TIMEOUT
    if request is not None:
        deadline = request.storage_deadline(now, TIMEOUT)
        request.begin_storage_call(now)
    try:
        async with asyncio.timeout_at(deadline):
            return await call
    except TimeoutError:
        raise StorageTimeout("Redis does not answer in time") from None
    except RedisError as error:
        # The text of the error may have an address.
        raise StorageUnavailable(f"Redis failed with {type(error).__name__}") from None
    finally:
        if request is not None:
            request.end_storage_call(loop.time())


@asynccontextmanager
async def open_redis_limits(*, environ: Mapping[str, str]) -> AsyncIterator[RedisLimits]:
    """Open the limits until the block ends. The first call connects."""
    prefix = environ.get("REDIS_PREFIX", "dialtone:limits:")
    if place := environ.get("DIALTONE_TEST_PLACE"):
        prefix = f"test:{hashlib.sha256(place.encode()).hexdigest()}:"
    try:
        redis = Redis.from_url(
            environ["REDIS_URL"],
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            # What may have been done already would count twice.
            retry=Retry(NoBackoff(), 0),
        )
    except (KeyError, ValueError):
        text = "REDIS_URL is not set, or is no URL. Set it to one such as redis://127.0.0.1:6379."
        raise ConfigurationError(text) from None
    limits = RedisLimits(redis, prefix)
    async with AsyncExitStack() as stack:
        if place:
            address = redis.connection_pool.connection_kwargs
            relay = await stack.enter_async_context(open_relay(address["host"], address["port"]))
            address |= {"host": "127.0.0.1", "port": relay.port}
            relay.add_methods(limits)
        stack.push_async_callback(limits.close)
        yield limits
