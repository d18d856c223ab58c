"""Limits in Redis: what its script decides, other roles of the server, and its URL.

The contract suite has what they promise.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from redis import Redis

from adapters.databases.records.limits import LimitRecord, acquire, count_used, release
from adapters.databases.redis import RedisLimitStore, inspect_server, open_redis_limits
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    StorageTimeout,
    StorageUnavailable,
)
from domain.otp.rate_limits import (
    Acquisition,
    Group,
    LimitPurpose,
    Part,
    RateLimit,
    Reservation,
)
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow
from tests.support.builders import NOW
from tests.support.redis_limits import acquire_many
from tests.support.servers.redis import RedisProcess

pytestmark = pytest.mark.slow
HOUR: Final = timedelta(hours=1)
PASSWORD: Final = "tops3cret"


@pytest.fixture
def url(redis_url: str) -> str:
    """The URL of limits that are empty."""
    return f"{redis_url}?prefix={uuid.uuid4().hex}"


@pytest.fixture
async def limits(url: str) -> AsyncIterator[RedisLimitStore]:
    async with open_redis_limits(url) as limits:
        yield limits


@pytest.fixture
async def other_limits(url: str) -> AsyncIterator[RedisLimitStore]:
    async with open_redis_limits(url) as limits:
        yield limits


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProcess]:
    """A server of this test alone."""
    with RedisProcess(tmp_path / "redis") as server:
        yield server


@pytest.fixture
async def own_limits(server: RedisProcess) -> AsyncIterator[RedisLimitStore]:
    async with open_redis_limits(f"{server.url}?timeout=1") as limits:
        yield limits


def a_limit(limit: int, subject: str = "total", name: str = "requests") -> RateLimit:
    return RateLimit(subject, LimitPurpose.DELIVERIES, name, SlidingWindow(limit, HOUR))


async def test_reservations_that_arrive_together_are_one_round_trip(
    server: RedisProcess, own_limits: RedisLimitStore
) -> None:
    await own_limits.check()
    with Redis.from_url(server.url) as redis:
        redis.config_resetstat()
        assert await acquire_many(own_limits, 100, a_limit(100), a_limit(60, "country:US")) == 60
        statistics: Any = redis.info("commandstats")

    assert statistics["cmdstat_evalsha"]["calls"] == 1
    assert "cmdstat_mget" not in statistics


LIMITS: Final = [
    RateLimit(subject, LimitPurpose.DELIVERIES, name, SlidingWindow(size, period))
    for subject, size, name, period in [
        ("total", 40, "all", HOUR),
        ("total", 12, "strangers", HOUR / 60),
        ("country:US", 25, "all", HOUR),
        ("country:US", 6, "strangers", timedelta(milliseconds=1700)),
        ("ip:a", 5, "requests", HOUR),
        ("ip:b", 9, "requests", 24 * HOUR),
    ]
]


def random_reservation(random: Random, at: datetime) -> Reservation:
    def some_limits(most: int) -> tuple[RateLimit, ...]:
        return tuple(random.sample(LIMITS, random.randint(1, most)))

    groups = [
        Group(f"group{number}", (Part("first", some_limits(2)), Part("second", some_limits(2))))
        for number in range(random.randint(0, 2))
    ]
    return Reservation(at, some_limits(2), tuple(groups), watched=some_limits(2))


@pytest.mark.parametrize("seed", range(2))
async def test_the_script_decides_as_the_service_does(limits: RedisLimitStore, seed: int) -> None:
    random, now, records = Random(seed), NOW, dict[str, LimitRecord]()
    acquired: list[Acquisition] = []
    for _ in range(60):
        now += random.choice([timedelta(0), timedelta(microseconds=123_457), HOUR / 40])
        # The clocks of instances differ.
        times = [now + random.choice([-1, 0, 1]) * CLOCK_SKEW / 2 for _ in range(4)]
        reservations = [random_reservation(random, time) for time in times]

        expected = [acquire(reservation, records) for reservation in reservations]
        outcomes = await limits.acquire(*reservations)

        assert outcomes == expected
        acquired += [outcome for outcome in outcomes if isinstance(outcome, Acquisition)]
        if acquired and random.random() < 0.4:
            released = acquired.pop(random.randrange(len(acquired)))
            release(released, records)
            await limits.release(released)
        assert await limits.count_used(LIMITS, now) == count_used(LIMITS, records, now)
    assert acquired


@pytest.mark.parametrize("value", [b'{"windows": {"requests": 1}}', b"\xff"])
async def test_a_damaged_record_fails_only_those_who_need_it(
    url: str, limits: RedisLimitStore, value: bytes
) -> None:
    server, _, prefix = url.partition("?prefix=")
    with Redis.from_url(server) as redis:
        redis.set(f"{{{prefix}}}:ip:damaged:deliveries", value, px=60_000)
    whole, damaged = Reservation(NOW, (a_limit(9),)), (a_limit(9), a_limit(9, "ip:damaged"))

    outcomes = await asyncio.gather(
        limits.acquire(whole),
        limits.acquire(Reservation(NOW, damaged)),
        limits.acquire(whole),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [list, CorruptRecord, list]
    assert await limits.count_used([a_limit(9)], NOW) == [2]


async def test_scripts_that_the_server_has_lost_are_loaded_again(
    redis_url: str, limits: RedisLimitStore
) -> None:
    assert await acquire_many(limits, 1, a_limit(2)) == 1
    with Redis.from_url(redis_url) as redis:
        redis.script_flush()

    assert await acquire_many(limits, 5, a_limit(2)) == 1


async def test_a_server_that_hangs_is_a_timeout_and_one_that_is_away_is_unavailable(
    server: RedisProcess, own_limits: RedisLimitStore
) -> None:
    await own_limits.check()
    server.pause()
    with pytest.raises(StorageTimeout, match="Redis does not answer in time"):
        await own_limits.acquire(Reservation(NOW, (a_limit(1),)))
    server.resume()
    server.kill()

    with pytest.raises(StorageUnavailable, match="Redis failed with ConnectionError") as raised:
        await own_limits.acquire(Reservation(NOW, (a_limit(1),)))
    assert server.address not in str(raised.value)


async def test_a_former_primary_is_left_for_the_one_that_its_name_leads_to(
    server: RedisProcess, own_limits: RedisLimitStore
) -> None:
    await own_limits.check()
    with Redis.from_url(server.url) as redis:
        redis.replicaof("127.0.0.1", "1")
        with pytest.raises(StorageUnavailable, match="ReadOnlyError"):
            await own_limits.acquire(Reservation(NOW, (a_limit(1),)))
        with pytest.raises(StorageUnavailable, match="ReadOnlyError"):
            await own_limits.check()
        connections: Any = redis.client_list()
        redis.replicaof("NO", "ONE")

    assert len(connections) == 1, "the connections to it are closed"
    assert await acquire_many(own_limits, 1, a_limit(1)) == 1


async def test_services_with_different_prefixes_share_a_server(
    redis_url: str, limits: RedisLimitStore
) -> None:
    assert await acquire_many(limits, 1, a_limit(1)) == 1
    async with open_redis_limits(f"{redis_url}?prefix={uuid.uuid4().hex}") as others:
        assert await acquire_many(others, 1, a_limit(1)) == 1


@pytest.mark.parametrize(
    ("options", "login", "text"),
    [
        (("--appendonly", "no"), "", "a restart forgets the limits since the last snapshot"),
        (("--requirepass", PASSWORD), f":{PASSWORD}@", ""),
        (
            ("--user", "dialtone", "on", f">{PASSWORD}", "~{dialtone}:*", "+@all", "-info"),
            f"dialtone:{PASSWORD}@", "check yourself that maxmemory-policy is noeviction",
        ),
    ],
)  # fmt: skip
async def test_a_server_that_fits_is_checked_and_left_as_it_is(
    tmp_path: Path, options: Sequence[str], login: str, text: str
) -> None:
    with RedisProcess(tmp_path / "redis", *options) as server:
        note = await inspect_server(f"redis://{login}{server.address}/0")

    assert text in note
    assert bool(text) == bool(note)


@pytest.mark.parametrize(
    ("options", "login", "text"),
    [
        (
            ("--maxmemory-policy", "allkeys-lru"), "",
            "deletes limits that still count when its memory is full, because its maxmemory-policy "
            "is allkeys-lru: set it to noeviction",
        ),
        (("--cluster-enabled", "yes"), "", "Redis Cluster, which is not supported"),
        (("--requirepass", "other"), f":{PASSWORD}@", "rejects the user or the password"),
        (("--user", "reader", "on", "nopass", "~*", "+@read"), "reader:x@", "allow it +mget"),
        (("--replicaof", "127.0.0.1", "1"), "", "cannot be used"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_server_is_named(
    tmp_path: Path, options: Sequence[str], login: str, text: str
) -> None:
    with RedisProcess(tmp_path / "redis", *options) as server:
        with pytest.raises(ConfigurationError, match=text.replace("+", r"\+")) as raised:
            await inspect_server(f"redis://{login}{server.address}")

        assert f"{server.address}/0" in str(raised.value)
        assert PASSWORD not in str(raised.value)


async def test_a_server_that_is_away_is_named_without_the_password() -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:1/3 has no server") as raised:
        await inspect_server(f"redis://dialtone:{PASSWORD}@127.0.0.1:1/3")

    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://h:70000", "is not of the form"),
        ("redis://h?db=1", "invalid option db"),
        ("redis://h?ssl_ca_certs=/ca.pem", "invalid option ssl_ca_certs"),
        ("redis://h?prefix=a:b", "invalid option prefix"),
        ("redis://h?timeout=10", "invalid option timeout"),
        (
            "rediss://h?ssl_ca_certs=/no/ca.pem",
            "ssl_ca_certs, .* cannot be used .FileNotFoundError ENOENT.",
        ),
    ],
)
async def test_what_is_wrong_with_a_url_is_named(url: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        async with open_redis_limits(url):
            pass
