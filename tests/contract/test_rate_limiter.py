import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.ports.otp import RateLimiter
from application.ports.repositories import Repositories
from domain.otp.rate_limits import Part, Permit, RateLimit, Reservation
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
EXPIRED = NOW + HOUR + HOUR / 60
"""When a permit of now no longer counts in a window of an hour."""


@pytest.fixture
def limiter(repositories: Repositories) -> RateLimiter:
    return repositories.rate_limiter


@pytest.fixture
def other_limiter(other_repositories: Repositories) -> RateLimiter:
    return other_repositories.rate_limiter


def a_rate_limit(limit: int, name: str = "deliveries", length: timedelta = HOUR) -> RateLimit:
    return RateLimit(name, SlidingWindow(limit, length))


def a_listed_limit(limit: int, name: str = "attempts") -> RateLimit:
    return RateLimit(name, SlidingWindow(limit, HOUR), is_listed=True)


def a_reservation(number: int, *limits: RateLimit, at: datetime = NOW) -> Reservation:
    return Reservation(f"reservation {number}", at, limits)


async def acquire_many(
    limiter: RateLimiter, count: int, *limits: RateLimit, at: datetime = NOW
) -> int:
    """Make that many reservations in parallel; return how many were accepted."""
    reservations = [a_reservation(number, *limits, at=at) for number in range(count)]
    results = await asyncio.gather(*(limiter.acquire(reservation) for reservation in reservations))
    return results.count(None)


def is_available_at(
    available_at: datetime | None, expected: datetime, period: timedelta = HOUR
) -> bool:
    """Return whether the time is the expected one, or up to one sixtieth of the period later."""
    return available_at is not None and expected <= available_at <= expected + period / 60


@pytest.mark.parametrize("limit", [1, 49])
async def test_parallel_reservations_of_two_instances_get_exactly_the_limit(
    limiter: RateLimiter, other_limiter: RateLimiter, limit: int
) -> None:
    reservations = [a_reservation(number, a_rate_limit(limit)) for number in range(100)]
    instances = (limiter, other_limiter) * 50

    results = await asyncio.gather(
        *(each.acquire(one) for each, one in zip(instances, reservations, strict=True))
    )

    assert results.count(None) == limit
    assert await limiter.acquire(a_reservation(100, a_rate_limit(limit))) is not None


async def test_the_smaller_of_two_rate_limits_applies(limiter: RateLimiter) -> None:
    assert await acquire_many(limiter, 50, a_rate_limit(40, "large"), a_rate_limit(6, "small")) == 6
    # A rejected reservation uses no other limit.
    assert await acquire_many(limiter, 50, a_rate_limit(40, "large"), at=NOW + SECOND) == 34


async def test_a_rejected_reservation_does_not_affect_others_acquired_with_it(
    limiter: RateLimiter,
) -> None:
    full, free = a_rate_limit(1, "full"), a_rate_limit(1, "free")
    await limiter.acquire(a_reservation(1, full))

    reservations = a_reservation(2, full), a_reservation(3, free)
    full_at, free_at = await limiter.acquire_each(*reservations)
    assert is_available_at(full_at, NOW + HOUR)
    assert free_at is None


async def test_overlapping_rate_limits_are_never_exceeded(limiter: RateLimiter) -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "a")]
    reservations = [
        a_reservation(number, *(a_rate_limit(10, name) for name in pairs[number % 3]))
        for number in range(60)
    ]

    results = await asyncio.gather(*map(limiter.acquire, reservations))

    acquired = [one for one, result in zip(reservations, results, strict=True) if result is None]
    counts = Counter(limit.name for reservation in acquired for limit in reservation.limits)
    assert acquired
    assert all(count <= 10 for count in counts.values())


@pytest.mark.parametrize("period", [HOUR, 100 * SECOND], ids=str)
async def test_a_rejected_reservation_gets_the_time_when_it_succeeds(
    limiter: RateLimiter, period: timedelta
) -> None:
    limit = a_rate_limit(3, length=period)
    times = [NOW + 1234 * MILLISECOND + number * period / 20 for number in range(4)]
    for number in range(3):
        await limiter.acquire(a_reservation(number, limit, at=times[number]))

    available_at = await limiter.acquire(a_reservation(3, limit, at=times[3]))

    assert available_at is not None
    assert is_available_at(available_at, times[0] + period, period)
    just_before = a_reservation(4, limit, at=available_at - MILLISECOND)
    assert await limiter.acquire(just_before) == available_at
    assert await limiter.acquire(a_reservation(5, limit, at=available_at)) is None
    next_at = await limiter.acquire(a_reservation(6, limit, at=available_at))
    assert is_available_at(next_at, times[1] + period, period)


async def test_a_permit_of_a_listed_limit_counts_exactly_for_the_period(
    limiter: RateLimiter,
) -> None:
    limit = a_listed_limit(3)
    for number in range(3):
        await limiter.acquire(a_reservation(number, limit, at=NOW + number * SECOND))

    for number, at in ((3, NOW + 9 * SECOND), (4, NOW + HOUR - MILLISECOND)):
        assert await limiter.acquire(a_reservation(number, limit, at=at)) == NOW + HOUR
    assert await limiter.acquire(a_reservation(5, limit, at=NOW + HOUR)) is None
    assert await limiter.acquire(a_reservation(6, limit, at=NOW + HOUR)) == NOW + SECOND + HOUR


async def test_the_later_of_two_times_is_returned(limiter: RateLimiter) -> None:
    long, short = a_rate_limit(1, "long", 2 * HOUR), a_rate_limit(1, "short")
    await limiter.acquire(a_reservation(1, long, short))

    for available_at in (
        await limiter.acquire(a_reservation(2, short, long)),
        await limiter.next_available(a_reservation(3, long, short)),
    ):
        assert is_available_at(available_at, NOW + 2 * HOUR, 2 * HOUR)


async def test_next_available_acquires_nothing(limiter: RateLimiter) -> None:
    for _ in range(3):
        assert await limiter.next_available(a_reservation(1, a_rate_limit(1))) == NOW

    assert await limiter.acquire(a_reservation(1, a_rate_limit(1))) is None
    available_at = await limiter.next_available(a_reservation(2, a_rate_limit(1)))
    assert is_available_at(available_at, NOW + HOUR)


async def test_a_released_reservation_is_available_again(limiter: RateLimiter) -> None:
    limits = (a_rate_limit(1, "own"), a_rate_limit(2, "all"))
    await limiter.acquire(a_reservation(1, *limits))
    assert await limiter.acquire(a_reservation(2, *limits)) is not None

    await limiter.release(a_reservation(1, *limits))

    assert await limiter.acquire(a_reservation(2, *limits)) is None


async def test_a_release_names_the_limits_whose_permits_are_released(
    limiter: RateLimiter,
) -> None:
    limits = {name: a_rate_limit(1, name) for name in ("total", "all", "part 1", "missing")}
    acquired = (limits["total"], limits["all"])
    await limiter.acquire(a_divided_reservation(1, 1, 1, limits=acquired))
    await limiter.acquire(a_reservation(2, limits["missing"]))

    released = (limits["total"], limits["missing"])
    await limiter.release(a_divided_reservation(1, 1, 1, limits=released))

    available = {
        name: await limiter.next_available(a_reservation(3, limit)) == NOW
        for name, limit in limits.items()
    }
    assert available == {"total": True, "all": False, "part 1": True, "missing": False}
    assert await acquire_parts(limiter, 5, 1, 1) == 2


async def test_a_reservation_cannot_be_released_again_with_other_limits(
    limiter: RateLimiter,
) -> None:
    await limiter.acquire(a_reservation(1, a_rate_limit(1, "own"), a_rate_limit(1, "all")))

    for name in ("all", "own"):
        await limiter.release(a_reservation(1, a_rate_limit(1, name)))

    assert await limiter.next_available(a_reservation(2, a_rate_limit(1, "all"))) == NOW
    available_at = await limiter.next_available(a_reservation(2, a_rate_limit(1, "own")))
    assert is_available_at(available_at, NOW + HOUR)


async def test_a_large_rate_limit_is_used_completely_and_can_be_released(
    limiter: RateLimiter, other_limiter: RateLimiter
) -> None:
    limit = a_rate_limit(250)
    assert await acquire_many(limiter, 250, limit) == 250
    assert is_available_at(await limiter.acquire(a_reservation(250, limit)), NOW + HOUR)

    for first, instance in ((0, limiter), (10, other_limiter)):
        released = [a_reservation(number, limit) for number in range(first, 250, 20)]
        await asyncio.gather(*map(instance.release, released))

    assert await acquire_many(limiter, 50, limit, at=NOW + SECOND) == 25


async def test_acquiring_twice_with_one_id_can_be_released_once(limiter: RateLimiter) -> None:
    for _ in range(2):
        await limiter.acquire(a_reservation(1, a_rate_limit(2)))

    for _ in range(2):
        await limiter.release(a_reservation(1, a_rate_limit(2)))

    assert await acquire_many(limiter, 5, a_rate_limit(2), at=NOW + SECOND) == 2


async def test_releasing_again_or_what_is_missing_changes_nothing(limiter: RateLimiter) -> None:
    await acquire_many(limiter, 4, a_rate_limit(4))

    for number in (1, 1, 77):
        await limiter.release(a_reservation(number, a_rate_limit(4)))

    assert await acquire_many(limiter, 4, a_rate_limit(4), at=NOW + SECOND) == 1


async def test_one_of_forty_parallel_releases_has_an_effect(
    limiter: RateLimiter, other_limiter: RateLimiter
) -> None:
    await acquire_many(limiter, 9, a_rate_limit(9))

    released = a_reservation(1, a_rate_limit(9))
    await asyncio.gather(*(one.release(released) for one in (limiter, other_limiter) * 20))

    assert await acquire_many(limiter, 9, a_rate_limit(9), at=NOW + SECOND) == 1


async def test_releasing_an_expired_permit_releases_no_other(limiter: RateLimiter) -> None:
    await limiter.acquire(a_reservation(1, a_rate_limit(1)))
    assert await limiter.acquire(a_reservation(2, a_rate_limit(1), at=EXPIRED)) is None

    await limiter.release(a_reservation(1, a_rate_limit(1)))

    assert await limiter.acquire(a_reservation(3, a_rate_limit(1), at=EXPIRED)) is not None


@pytest.mark.parametrize("limit", [3, 30])
async def test_the_oldest_reservations_leave_first_in_any_order(
    limiter: RateLimiter, limit: int
) -> None:
    period = 10 * MINUTE
    a_limit = a_rate_limit(limit, length=period)
    for number in range(limit):
        at = NOW + (40, 0, 20)[number % 3] * SECOND
        await limiter.acquire(a_reservation(number, a_limit, at=at))

    accepted = await acquire_many(limiter, limit, a_limit, at=NOW + period + 30 * SECOND)
    assert accepted == limit * 2 // 3


@pytest.mark.parametrize(
    ("ahead", "counts"), [(30 * SECOND, True), (2 * HOUR, False)], ids=["skew", "far"]
)
async def test_reservations_in_the_future_count_within_the_clock_skew(
    limiter: RateLimiter, ahead: timedelta, counts: bool
) -> None:
    assert await acquire_many(limiter, 5, a_rate_limit(3), at=NOW + ahead) == 3

    available_at = await limiter.acquire(a_reservation(9, a_rate_limit(3)))

    # A clock that is ahead may delay others.
    is_delayed = is_available_at(available_at, NOW + ahead + HOUR)
    assert is_delayed or (available_at is None and not counts)


async def test_a_lowered_limit_lets_one_more_reservation_pass_at_most(
    limiter: RateLimiter,
) -> None:
    await acquire_many(limiter, 7, a_rate_limit(9))

    assert await acquire_many(limiter, 9, a_rate_limit(5), at=NOW + SECOND) <= 1

    available_at = await limiter.acquire(a_reservation(10, a_rate_limit(5), at=NOW + SECOND))
    assert available_at is not None
    assert NOW + HOUR <= available_at <= EXPIRED + SECOND
    assert await acquire_many(limiter, 9, a_rate_limit(5), at=EXPIRED + SECOND) == 5


async def test_a_raised_limit_is_available_at_once(limiter: RateLimiter) -> None:
    assert await acquire_many(limiter, 4, a_rate_limit(3)) == 3

    assert await acquire_many(limiter, 9, a_rate_limit(5), at=NOW + SECOND) == 2


def a_divided_reservation(
    number: int,
    *sizes: int,
    limits: tuple[RateLimit, ...] = (),
    share: int = 1_000,
    at: datetime = NOW,
) -> Reservation:
    """Return a reservation of a permit in one of so many parts, each with a share."""
    parts = tuple(
        Part((a_rate_limit(size, f"part {index}"), a_rate_limit(share, f"share {index}")))
        for index, size in enumerate(sizes, start=1)
    )
    return replace(a_reservation(number, *limits, at=at), divided=(parts,))


async def acquire_parts(
    limiter: RateLimiter, count: int, *sizes: int, at: datetime = NOW, share: int = 1_000
) -> int:
    """Make that many reservations in parallel; return how many were accepted."""
    reservations = [
        a_divided_reservation(number, *sizes, at=at, share=share) for number in range(count)
    ]
    return (await asyncio.gather(*map(limiter.acquire, reservations))).count(None)


@pytest.mark.parametrize("sizes", [(2, 3), (70, 60, 50)], ids=str)
async def test_parallel_reservations_of_two_instances_get_exactly_the_sum_of_the_parts(
    limiter: RateLimiter, other_limiter: RateLimiter, sizes: tuple[int, ...]
) -> None:
    assert await acquire_many(limiter, 1, a_rate_limit(sizes[1], "part 2")) == 1

    reservations = [a_divided_reservation(number, *sizes) for number in range(240)]
    instances = (limiter, other_limiter) * 120
    results = await asyncio.gather(
        *(each.acquire(one) for each, one in zip(instances, reservations, strict=True))
    )

    assert results.count(None) == sum(sizes) - 1
    rejected = a_reservation(301, a_rate_limit(sizes[1], "part 2"), at=NOW + SECOND)
    assert is_available_at(await limiter.acquire(rejected), NOW + HOUR)
    available_at = await limiter.next_available(a_divided_reservation(302, *sizes))
    assert is_available_at(available_at, NOW + HOUR)


async def test_a_part_is_used_in_whole_or_not_at_all_the_first_one_first(
    limiter: RateLimiter,
) -> None:
    assert await acquire_parts(limiter, 2, 5, 5) == 2
    assert await limiter.next_available(a_reservation(0, a_rate_limit(1, "part 2"))) == NOW
    # The shares of both parts end first, and use up no part.
    assert await acquire_parts(limiter, 9, 5, 5, at=NOW + SECOND, share=3) == 4
    assert await acquire_many(limiter, 9, a_rate_limit(5, "part 1"), at=NOW + SECOND) == 2
    assert await acquire_many(limiter, 9, a_rate_limit(5, "part 2"), at=NOW + SECOND) == 2


async def test_a_full_later_part_leaves_the_first_one(limiter: RateLimiter) -> None:
    await acquire_many(limiter, 5, a_rate_limit(3, "part 2"))

    assert await acquire_parts(limiter, 9, 4, 3, at=NOW + SECOND) == 4


async def test_a_permit_of_each_part_can_be_released(limiter: RateLimiter) -> None:
    assert await acquire_parts(limiter, 2, 1, 1) == 2

    for number in (0, 1):
        await limiter.release(a_divided_reservation(number, 1, 1))

    assert await acquire_parts(limiter, 5, 1, 1, at=NOW + SECOND) == 2


async def test_another_full_limit_uses_no_part(limiter: RateLimiter) -> None:
    full = a_rate_limit(1, "full")
    await limiter.acquire(a_reservation(0, full))
    for number in range(1, 5):
        rejected = a_divided_reservation(number, 1, 1, limits=(full,))
        assert is_available_at(await limiter.acquire(rejected), NOW + HOUR)
    assert await acquire_parts(limiter, 5, 1, 1) == 2


async def test_parallel_reservations_get_exactly_a_listed_limit(
    limiter: RateLimiter, other_limiter: RateLimiter
) -> None:
    counts = await asyncio.gather(
        acquire_many(limiter, 20, a_listed_limit(5)),
        acquire_many(other_limiter, 20, a_listed_limit(5)),
    )

    assert sum(counts) == 5


async def test_permits_of_a_listed_limit_far_in_the_future_do_not_count(
    limiter: RateLimiter,
) -> None:
    await limiter.acquire(a_reservation(1, a_listed_limit(1), at=NOW + 2 * HOUR))

    assert await acquire_many(limiter, 1, a_listed_limit(1)) == 1


async def test_a_full_listed_limit_uses_no_other_limit(limiter: RateLimiter) -> None:
    await acquire_many(limiter, 1, a_listed_limit(1))

    rejected = a_reservation(2, a_listed_limit(1), a_rate_limit(1))
    assert await limiter.acquire(rejected) == NOW + HOUR

    assert await acquire_many(limiter, 1, a_rate_limit(1)) == 1


@pytest.mark.parametrize("is_listed", [False, True])
async def test_an_instance_whose_clock_is_ahead_removes_no_permits_that_count_for_others(
    limiter: RateLimiter, is_listed: bool
) -> None:
    limit = RateLimit("limit", SlidingWindow(5, 10 * MINUTE), is_listed=is_listed)
    await acquire_many(limiter, 3, limit)
    before_they_expire = NOW + 10 * MINUTE - SECOND
    await limiter.acquire(a_reservation(3, limit, at=before_they_expire + CLOCK_SKEW))

    # It may delay others.
    assert await acquire_many(limiter, 5, limit, at=before_they_expire) <= 1


async def test_only_expired_reservations_are_deleted(limiter: RateLimiter) -> None:
    await limiter.acquire(a_reservation(1, a_rate_limit(1, "old")))
    await limiter.acquire(a_reservation(2, a_rate_limit(1, "new"), at=NOW + HOUR / 2))

    assert await limiter.delete_expired(NOW + HOUR - SECOND, 10) == 0
    assert await limiter.delete_expired(EXPIRED, 10) == 1

    assert (
        await limiter.next_available(a_reservation(3, a_rate_limit(1, "new"), at=NOW + HOUR))
        > NOW + HOUR
    )


async def test_no_more_than_the_limit_are_deleted(limiter: RateLimiter) -> None:
    for number in range(5):
        await limiter.acquire(a_reservation(number, a_rate_limit(1, f"limit {number}")))

    deleted = [await limiter.delete_expired(EXPIRED, 2) for _ in range(4)]

    assert deleted == [2, 2, 1, 0]


async def test_rate_limits_with_different_names_are_independent(limiter: RateLimiter) -> None:
    names = ["deliveries:ip:2001:db8::/64", "x #0", "x", "x #1", "$a.b", "é"]

    for name in names:
        assert await acquire_many(limiter, 3, a_rate_limit(1, name)) == 1


async def test_permits_are_listed_while_they_count_the_latest_last(
    limiter: RateLimiter,
) -> None:
    limit, other = a_listed_limit(5), a_listed_limit(5, "other")
    for number, seconds in ((3, 2 * 3600), (1, 2), (2, 1)):
        at = NOW + seconds * SECOND
        assert await limiter.acquire(a_reservation(number, limit, at=at)) is None
    await limiter.acquire(a_reservation(4, other))

    listed = await limiter.list_permits(limit, NOW + 3 * SECOND)
    later = await limiter.list_permits(limit, NOW + HOUR + SECOND)

    assert listed == [
        Permit("reservation 2", NOW + SECOND),
        Permit("reservation 1", NOW + 2 * SECOND),
    ]
    assert later == listed[1:]
    assert await limiter.list_permits(a_listed_limit(5, "unused"), NOW) == []


async def test_releasing_keeps_the_permits_of_a_listed_limit(limiter: RateLimiter) -> None:
    limits = (a_listed_limit(5), a_rate_limit(1))
    await limiter.acquire(a_reservation(1, *limits))

    await limiter.release(a_reservation(1, *limits))

    listed = await limiter.list_permits(a_listed_limit(5), NOW)
    assert listed == [Permit("reservation 1", NOW)]
    assert await limiter.acquire(a_reservation(2, *limits)) is None


async def test_a_reservation_may_be_acquired_again_with_the_same_id(limiter: RateLimiter) -> None:
    limit = a_listed_limit(5)
    for seconds in (0, 11):
        at = NOW + seconds * SECOND
        assert await limiter.acquire(a_reservation(1, limit, at=at)) is None

    assert len(await limiter.list_permits(limit, NOW + 11 * SECOND)) == 2


async def test_a_clock_that_is_ahead_does_not_hide_what_counts_for_others(
    limiter: RateLimiter,
) -> None:
    limit = a_rate_limit(3, length=10 * MINUTE)
    assert await acquire_many(limiter, 3, limit) == 3
    now = NOW + 10 * MINUTE - SECOND

    await limiter.acquire(a_reservation(3, limit, at=now + CLOCK_SKEW))

    assert await limiter.acquire(a_reservation(4, limit, at=now)) is not None
