"""The promises of `LimitStore`, on all databases."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pytest

from adapters.databases.records.database import Database
from application.ports.limits import LimitStore
from domain.otp.rate_limits import (
    MAX_SUBJECT_LENGTH,
    MAX_WINDOW_NAME_LENGTH,
    LimitPurpose,
    RateLimit,
)
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow
from tests.contract.suites import external_adapter
from tests.contract.suites.external_adapter import call_test_method
from tests.contract.suites.promises import not_promised
from tests.contract.suites.storage.record_examples import NOW, REMEMBERED

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)
EXPIRED: Final = NOW + HOUR + HOUR / 60
"""When a permit of now no longer counts in a window of an hour."""
ROUNDS: Final = 40
"""In one or the other the calls of two instances miss each other."""


@pytest.fixture
def limits(database: Database) -> LimitStore:
    return database.limits


@pytest.fixture
def other_limits(other_database: Database) -> LimitStore:
    """Return the limits of another instance of the service."""
    return other_database.limits


def a_limit(
    limit: int,
    name: str = "requests",
    subject: str = "total",
    period: timedelta = HOUR,
    purpose: LimitPurpose = LimitPurpose.DELIVERIES,
) -> RateLimit:
    return RateLimit(subject, purpose, name, SlidingWindow(limit, period))


async def acquire_many(limits: LimitStore, count: int, *of: RateLimit, at: datetime = NOW) -> int:
    """Make that many calls in parallel; return how many acquired permits."""
    return (await asyncio.gather(*(limits.acquire(of, at) for _ in range(count)))).count(None)


def is_available_at(
    available_at: datetime | None, expected: datetime, period: timedelta = HOUR
) -> bool:
    """Return whether the time is the expected one, or up to one sixtieth of the period later."""
    return available_at is not None and expected <= available_at <= expected + period / 60


# Acquiring.


async def test_parallel_calls_of_two_instances_get_exactly_the_limit(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    shared, wide = a_limit(49), a_limit(250, subject="country:US")
    counts = await asyncio.gather(
        acquire_many(limits, 50, wide, shared), acquire_many(other_limits, 50, shared, wide)
    )

    assert sum(counts) == 49, "a race of two instances acquired another number than the limit"
    assert await acquire_many(limits, 1, shared) == 0
    # What was rejected uses no other limit.
    counts = await asyncio.gather(
        acquire_many(limits, 250, wide), acquire_many(other_limits, 250, wide)
    )
    assert sum(counts) == 250 - 49
    used = await limits.count_used([shared, wide], NOW)
    assert used == [49, 250]


@pytest.mark.slow
async def test_no_permit_that_two_instances_acquire_at_the_same_time_is_lost(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    acquired = counted = 0
    for number in range(ROUNDS):
        limit = a_limit(5, subject=f"ip:{number}")
        # Of two calls that add a record, one fails. So it is there before they race.
        acquired += await acquire_many(limits, 1, limit)
        acquired += sum(
            await asyncio.gather(*(acquire_many(it, 3, limit) for it in (limits, other_limits)))
        )
        counted += sum(await limits.count_used([limit], NOW))

    if not acquired == counted == 5 * ROUNDS:
        pytest.fail(
            f"{ROUNDS} limits of 5 permits gave {acquired}, of which {counted} count: two "
            "instances read a record at the same time, and neither saw what the other counted. "
            "Lock a record before it is read until it is written, or write it only if nobody has "
            "changed it",
            pytrace=False,
        )


async def test_what_another_instance_acquires_and_releases_counts_at_once(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = a_limit(1)

    async def check(used: int, now: datetime = NOW) -> None:
        """Check what an instance reads; it acquires nothing."""
        assert await limits.count_used([limit], now) == [used], f"count_used: {REMEMBERED}"
        is_available = await limits.next_available([limit], now) == now
        assert is_available is (used == 0), f"next_available: {REMEMBERED}"

    for _ in range(2):
        await check(0)
        assert await other_limits.acquire([limit], NOW) is None
        await check(1)
        assert await limits.acquire([limit], NOW) is not None, f"acquire: {REMEMBERED}"
        await check(0, EXPIRED)
        await check(1)
        await other_limits.release([limit], NOW)
    assert await limits.acquire([limit], NOW) is None, f"acquire: {REMEMBERED}"


async def test_a_call_that_cannot_be_encoded_fails_no_others(limits: LimitStore) -> None:
    limit, invalid = a_limit(9), a_limit(9, subject="\ud800")

    results = await asyncio.gather(
        *(limits.acquire([limit, *more], NOW) for more in ((), (invalid,), ())),
        return_exceptions=True,
    )

    assert results[0] is results[2] is None


async def test_limits_with_another_subject_purpose_or_name_are_independent(
    limits: LimitStore,
) -> None:
    subjects = [
        *("ip:2001:db8::/64", "ip:x", "ip:x ", "IP:x", "ip:é", "ip:e\u0301", "$a.b", "'", '"'),
        *("%", " ", "{}", "a\0b", "𝄞" * MAX_SUBJECT_LENGTH),
        *("x" * length for length in (MAX_SUBJECT_LENGTH - 1, MAX_SUBJECT_LENGTH)),
    ]
    names = ("unverified:strangers", "n" * MAX_WINDOW_NAME_LENGTH)
    rate_limits = [
        *(a_limit(1, subject=subject) for subject in subjects),
        *(a_limit(1, name, subjects[0]) for name in names),
        a_limit(1, subject=subjects[0], purpose=LimitPurpose.ATTEMPTS),
        a_limit(1, names[1], subjects[-1], purpose=LimitPurpose.ATTEMPTS),
    ]

    for limit in rate_limits:
        assert await acquire_many(limits, 2, limit) == 1


# Times.


@pytest.mark.parametrize("period", [HOUR, 100 * SECOND], ids=str)
async def test_a_rejected_call_gets_the_time_when_it_succeeds(
    limits: LimitStore, period: timedelta
) -> None:
    limit, short = a_limit(3, period=period), a_limit(3, subject="short", period=period / 2)
    times = [NOW + 1234 * MILLISECOND + number * period / 20 for number in range(4)]
    for number in range(3):
        await limits.acquire([short, limit], times[number])

    available_at = await limits.acquire([short, limit], times[3])

    assert available_at is not None
    assert is_available_at(available_at, times[0] + period, period)
    assert await limits.acquire([limit], available_at - MILLISECOND) == available_at
    assert await limits.next_available([limit, short], times[3]) == available_at
    assert await limits.acquire([limit], available_at) is None
    assert is_available_at(await limits.acquire([limit], available_at), times[1] + period, period)


async def test_a_window_that_is_used_for_a_long_time_counts_what_it_counts_at_first(
    limits: LimitStore,
) -> None:
    limit = a_limit(70)
    for minutes in range(100):
        assert await limits.acquire([limit], NOW + minutes * MINUTE) is None

    # Those of the last 61 minutes count: 60, and a sixtieth more.
    now = NOW + 100 * MINUTE
    assert await acquire_many(limits, 70, limit, at=now) in (9, 10)
    assert is_available_at(await limits.acquire([limit], now), now)


@pytest.mark.parametrize(
    ("ahead", "counts"), [(30 * SECOND, True), (2 * HOUR, False)], ids=["skew", "far"]
)
async def test_permits_in_the_future_count_within_the_clock_skew(
    limits: LimitStore, ahead: timedelta, counts: bool
) -> None:
    assert await acquire_many(limits, 5, a_limit(3), at=NOW + ahead) == 3

    available_at = await limits.acquire([a_limit(3)], NOW)

    # A clock that is ahead may delay others.
    assert is_available_at(available_at, NOW + ahead + HOUR) or (
        available_at is None and not counts
    )


async def test_an_instance_whose_clock_is_ahead_removes_no_permits_that_count_for_others(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = a_limit(5, period=10 * MINUTE)
    assert await acquire_many(limits, 5, limit) == 5
    before_they_expire = NOW + 10 * MINUTE - SECOND

    await other_limits.acquire([limit], before_they_expire + CLOCK_SKEW)
    await other_limits.delete_expired(before_they_expire + CLOCK_SKEW, 9)

    assert await acquire_many(limits, 5, limit, at=before_they_expire) == 0


async def test_a_lowered_limit_lets_one_more_pass_at_most_and_a_raised_one_holds_at_once(
    limits: LimitStore,
) -> None:
    await acquire_many(limits, 7, a_limit(9))
    assert await limits.count_used([a_limit(5)], NOW) == [7]

    assert await acquire_many(limits, 9, a_limit(5), at=NOW + SECOND) <= 1
    available_at = await limits.acquire([a_limit(5)], NOW + SECOND)
    assert available_at is not None
    assert NOW + HOUR <= available_at <= EXPIRED + SECOND
    assert await acquire_many(limits, 9, a_limit(5), at=EXPIRED + SECOND) == 5

    assert await acquire_many(limits, 9, a_limit(8), at=EXPIRED + 2 * SECOND) == 3


async def test_a_changed_period_is_never_exceeded(limits: LimitStore) -> None:
    assert await acquire_many(limits, 3, a_limit(3)) == 3

    longer = a_limit(3, period=DAY)
    assert await acquire_many(limits, 3, longer, at=NOW + SECOND) == 0
    assert await acquire_many(limits, 3, longer, at=NOW + DAY + DAY / 60) == 3


# Releasing.


async def test_what_was_released_is_available_again_and_nothing_else_is(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    own, of_ip = a_limit(1, "own"), a_limit(1, subject="ip:1")
    missing = (a_limit(1, "missing"), a_limit(1, subject="ip:2"))
    assert await acquire_many(limits, 2, own, of_ip) == 1

    for at in (NOW + 5 * MINUTE, NOW - DAY):
        await limits.release([own, of_ip], at)
    for _ in range(3):  # not more than were acquired
        await other_limits.release([own, *missing], NOW)

    for limit, count in ((of_ip, 0), (own, 1), (missing[0], 1), (missing[1], 1)):
        assert await acquire_many(limits, 2, limit) == count


async def test_permits_of_the_same_moment_are_released_one_by_one(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = a_limit(250)
    assert await acquire_many(limits, 260, limit) == 250

    await asyncio.gather(
        *(limits.release([limit], NOW) for _ in range(13)),
        *(other_limits.release([limit], NOW) for _ in range(12)),
    )

    assert await acquire_many(limits, 50, limit, at=NOW + SECOND) == 25


async def test_releasing_an_expired_permit_releases_no_other(limits: LimitStore) -> None:
    limit = a_limit(1)
    await limits.acquire([limit], NOW)
    assert await acquire_many(limits, 1, limit, at=EXPIRED) == 1

    await limits.release([limit], NOW)

    assert await acquire_many(limits, 1, limit, at=EXPIRED) == 0
    await limits.delete_expired(NOW + DAY, 9)
    await limits.release([limit], NOW)
    assert await acquire_many(limits, 1, limit, at=NOW + DAY) == 1


async def test_a_release_keeps_all_other_permits(limits: LimitStore) -> None:
    hour, day = a_limit(9, "hour"), a_limit(9, "day", period=DAY)
    await acquire_many(limits, 3, hour, day)

    for left in (2, 1, 0):
        await limits.release([hour], NOW)
        assert await limits.count_used([hour, day], NOW + MINUTE) == [left, 3]
    deleted = await limits.delete_expired(NOW + 2 * HOUR, 9)
    used = await limits.count_used([day], NOW + 2 * HOUR)
    assert (deleted, used) == (0, [3]), "a release ended other permits"
    await asyncio.sleep(1.5)  # a server may delete a record on its own clock
    assert await limits.count_used([day], NOW + MINUTE) == [3], (
        "more than a second after a release the other permits were gone"
    )


@pytest.mark.parametrize("steps", [0, 2])
async def test_permits_of_a_cancelled_caller_are_released_or_expire(
    limits: LimitStore, other_limits: LimitStore, steps: int
) -> None:
    limit = a_limit(10)
    tasks = [asyncio.ensure_future(limits.acquire([limit], NOW)) for _ in range(20)]
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert results.count(None) + await acquire_many(other_limits, 20, limit) <= 10
    assert await acquire_many(other_limits, 20, limit, at=EXPIRED) == 10


# Counting.


async def test_permits_of_all_instances_are_counted_in_the_order_of_the_limits(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    hour, day = a_limit(3, "hour"), a_limit(9, "day", period=DAY)
    of_country = a_limit(9, subject="country:US")
    await acquire_many(limits, 2, hour, day)
    await acquire_many(other_limits, 2, day, of_country)
    hundreds = [a_limit(3, subject=f"phone:{number}") for number in range(250)]
    assert await limits.acquire(hundreds[::2], NOW) is None

    for store in (limits, other_limits):
        counts = await store.count_used([of_country, day, *hundreds, hour], NOW + SECOND)
        assert counts == [2, 4, *[1, 0] * 125, 2]


# Cleanup.


async def test_only_records_whose_permits_expired_are_deleted(limits: LimitStore) -> None:
    old, new = a_limit(1, subject="old"), a_limit(1, subject="new")
    await limits.acquire([old], NOW)
    await limits.acquire([new], NOW + HOUR / 2)

    assert await limits.delete_expired(NOW + HOUR, 10) == 0
    await limits.delete_expired(EXPIRED + 2 * MINUTE, 10)

    now = NOW + 1.25 * HOUR
    assert await limits.next_available([old], now) == now
    assert is_available_at(await limits.next_available([new], now), NOW + 1.5 * HOUR)


ORDERS: Final = [(MINUTE, HOUR, DAY), (DAY, HOUR, MINUTE), (HOUR, DAY, MINUTE)]
"""Periods of the windows of one record, in the order in which they are acquired."""


async def acquire_mixed(
    limits: LimitStore, periods: Sequence[timedelta], *, is_together: bool
) -> list[RateLimit]:
    """Acquire a permit in a window of each period, all of one record, by one call or several."""
    windows = [a_limit(1, f"of_{period.seconds}", "mixed", period) for period in periods]
    for limits_of_call in [windows] if is_together else [[window] for window in windows]:
        await limits.acquire(limits_of_call, NOW)
    return windows


@pytest.mark.parametrize("is_together", [True, False])
async def test_a_permit_counts_to_the_end_of_its_window_whatever_else_has_expired(
    limits: LimitStore, is_together: bool
) -> None:
    for periods in ORDERS:
        windows = await acquire_mixed(limits, periods, is_together=is_together)
        for now in (NOW + SECOND, NOW + 10 * MINUTE, NOW + 2 * HOUR, NOW + DAY - SECOND):
            deleted = await limits.delete_expired(now, 10)
            counts = await limits.count_used(windows, now)

            expected = [int(NOW + period > now) for period in periods]
            assert (deleted, counts) == (0, expected), (
                f"windows of {', '.join(map(str, periods))} in one record, {now - NOW} later"
            )
        await limits.release(windows, NOW)


@pytest.mark.parametrize("is_together", [True, False])
async def test_a_store_whose_server_deletes_records_keeps_them_for_the_longest_window(
    limits: LimitStore, is_together: bool
) -> None:
    for periods in ORDERS:
        windows = await acquire_mixed(limits, periods, is_together=is_together)
        if await limits.delete_expired(NOW + 3 * DAY, 10):
            continue  # nothing else deletes them

        lifetimes = await call_test_method(limits, "lifetimes")

        for seconds in lifetimes:
            if not DAY.total_seconds() - MINUTE.total_seconds() <= seconds <= 60 * 60 * 24 * 3:
                pytest.fail(
                    f"the server deletes a record after {seconds:g} seconds, whose longest window "
                    f"has {DAY.total_seconds():g}, acquired in the order "
                    f"{', '.join(map(str, periods))}",
                    pytrace=False,
                )
        assert lifetimes, "lifetimes() returned nothing for a record that was stored"
        await limits.release(windows, NOW)


async def test_no_more_than_the_limit_are_deleted(limits: LimitStore) -> None:
    for number in range(5):
        await limits.acquire([a_limit(1, subject=f"ip:{number}")], NOW)
    await limits.acquire([a_limit(1, period=2 * DAY)], NOW)

    deleted = [await limits.delete_expired(NOW + DAY, 2) for _ in range(4)]

    if external_adapter.is_given() and not any(deleted):
        not_promised("what has expired is deleted by the store itself")
    assert deleted == [2, 2, 1, 0]


async def test_a_deletion_while_permits_are_acquired_deletes_none_that_counts(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = a_limit(10)
    await acquire_many(limits, 10, limit)

    accepted, *_ = await asyncio.gather(
        acquire_many(limits, 20, limit, at=NOW + DAY),
        *(other_limits.delete_expired(NOW + DAY, 10) for _ in range(10)),
    )

    assert accepted == 10
    assert await acquire_many(limits, 20, limit, at=NOW + DAY + SECOND) == 0
