"""Limits in Redis: as the contract suites open them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from adapters.databases.redis import RedisLimitStore, open_redis_limits
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation
from tests.support.builders import NOW
from tests.support.servers.http_server import TcpProxy


@asynccontextmanager
async def open_limits_of_suites(*, environ: Mapping[str, str]) -> AsyncIterator[RedisLimitStore]:
    """Open the limits of a place behind a proxy, with the methods that only the suites call."""
    prefix = f"test-{hashlib.sha256(environ['DIALTONE_TEST_PLACE'].encode()).hexdigest()[:16]}"
    with TcpProxy(environ["REDIS_URL"]) as proxy:
        async with open_redis_limits(f"{proxy.proxied_url}?prefix={prefix}") as limits:

            async def lifetimes() -> list[float]:
                async with Redis.from_url(environ["REDIS_URL"]) as redis:
                    keys = [key async for key in redis.scan_iter(f"{{{prefix}}}:*")]
                    return [await redis.pttl(key) / 1000 for key in keys]

            suites: Any = limits
            suites.lifetimes = lifetimes
            proxy.add_methods(limits)
            yield limits


async def acquire_many(limits: RedisLimitStore, count: int, *parts: RateLimit) -> int:
    """Acquire in parallel, each by a call; return how many were acquired."""
    outcomes = await asyncio.gather(
        *(limits.acquire(Reservation(NOW, parts)) for _ in range(count))
    )
    return sum(isinstance(outcome, Acquisition) for [outcome] in outcomes)
