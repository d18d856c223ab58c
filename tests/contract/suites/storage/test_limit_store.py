"""The promises of `LimitStore`, on all databases."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pytest

from adapters.databases.records.database import Database
from application.ports.limits import LimitStore
from domain.otp.permits import UsedPart
from domain.otp.rate_limits import (
    MAX_SUBJECT_LENGTH,
    MAX_WINDOW_NAME_LENGTH,
    Acquisition,
    Group,
    LimitPurpose,
    Part,
    RateLimit,
    Reservation,
)
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow
from tests.contract.suites import external_adapter
from tests.contract.suites.external_adapter import call_test_method
from tests.contract.suites.promises import not_promised
from tests.contract.suites.storage.record_examples import NOW

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)
EXPIRED: Final = NOW + HOUR + HOUR / 60
"""When a permit of now no longer counts in a window of an hour."""


@pytest.fixture
def limits(database: Database) -> LimitStore:
    return database.limits


@pytest.fixture
def other_limits(other_database: Database) -> LimitStore:
    """Return the limits of another instance of the service."""
    return other_database.limits


def a_rate_limit(
    limit: int,
    name: str = "requests",
    subject: str = "total",
    period: timedelta = HOUR,
    purpose: LimitPurpose = LimitPurpose.DELIVERIES,
) -> RateLimit:
    return RateLimit(subject, purpose, name, SlidingWindow(limit, period))


def a_reservation(*limits: RateLimit, at: datetime = NOW) -> Reservation:
    return Reservation(at, limits)


async def acquire(limits: LimitStore, reservation: Reservation) -> Acquisition | datetime:
    [result] = await limits.acquire(reservation)
    return result


async def acquire_all(limits: LimitStore, *reservations: Reservation) -> list[Acquisition]:
    """Acquire each by a call of its own, in parallel; return what was acquired."""
    results = await asyncio.gather(*(acquire(limits, reservation) for reservation in reservations))
    return [result for result in results if isinstance(result, Acquisition)]


async def acquire_many(
    limits: LimitStore, count: int, *rate_limits: RateLimit, at: datetime = NOW
) -> int:
    """Make that many reservations in parallel; return how many were accepted."""
    return len(await acquire_all(limits, *[a_reservation(*rate_limits, at=at)] * count))


def is_available_at(
    available_at: Acquisition | datetime, expected: datetime, period: timedelta = HOUR
) -> bool:
    """Return whether the time is the expected one, or up to one sixtieth of the period later."""
    if isinstance(available_at, Acquisition):
        return False
    return expected <= available_at <= expected + period / 60


# Acquiring.


async def test_parallel_reservations_of_two_instances_get_exactly_the_limit(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = 49
    counts = await asyncio.gather(
        acquire_many(limits, 50, a_rate_limit(limit)),
        acquire_many(other_limits, 50, a_rate_limit(limit)),
    )

    assert sum(counts) == limit
    assert await acquire_many(limits, 1, a_rate_limit(limit)) == 0


@pytest.mark.parametrize("is_one_record", [True, False])
async def test_the_smaller_of_two_rate_limits_applies(
    limits: LimitStore, is_one_record: bool
) -> None:
    large = a_rate_limit(40, "large")
    small = a_rate_limit(6, "small", subject="total" if is_one_record else "country:US")

    assert await acquire_many(limits, 50, large, small) == 6
    # A rejected reservation uses no other limit.
    assert await acquire_many(limits, 50, large, at=NOW + SECOND) == 34


async def test_a_rejected_reservation_does_not_affect_others_acquired_with_it(
    limits: LimitStore,
) -> None:
    full, free = a_rate_limit(1, subject="full"), a_rate_limit(2, subject="free")
    await limits.acquire(a_reservation(full))

    results = await limits.acquire(
        a_reservation(free, full), a_reservation(free), a_reservation(full), a_reservation(free)
    )

    assert is_available_at(results[0], NOW + HOUR)
    assert is_available_at(results[2], NOW + HOUR)
    assert results[1] == results[3] == Acquisition(NOW, (free,))


async def test_a_reservation_that_cannot_be_encoded_fails_no_others(limits: LimitStore) -> None:
    limit, invalid = a_rate_limit(9), a_rate_limit(9, subject="\ud800")

    results = await asyncio.gather(
        *(acquire(limits, a_reservation(limit, *more)) for more in ((), (invalid,), ())),
        return_exceptions=True,
    )

    assert results[0] == results[2] == Acquisition(NOW, (limit,))


async def test_reservations_acquired_together_share_the_last_permit(limits: LimitStore) -> None:
    first, second = await limits.acquire(*[a_reservation(a_rate_limit(1))] * 2)

    assert isinstance(first, Acquisition)
    assert is_available_at(second, NOW + HOUR)


async def test_overlapping_rate_limits_are_never_exceeded(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "a")]
    reservations = [
        a_reservation(*(a_rate_limit(10, subject=subject) for subject in pairs[number % 3]))
        for number in range(60)
    ]

    first, second = await asyncio.gather(
        acquire_all(limits, *reservations[:30]), acquire_all(other_limits, *reservations[30:])
    )

    counts = Counter(
        limit.subject for acquisition in [*first, *second] for limit in acquisition.limits
    )
    assert counts
    assert max(counts.values()) <= 10


async def test_rate_limits_with_another_subject_purpose_or_name_are_independent(
    limits: LimitStore,
) -> None:
    subjects = [
        "ip:2001:db8::/64",
        "ip:x",
        "ip:x ",
        "IP:x",
        "ip:é",
        "ip:e\u0301",
        "$a.b",
        "'",
        '"',
        "%",
        " ",
        "{}",
        "a\0b",
        "𝄞" * MAX_SUBJECT_LENGTH,
        "x" * (MAX_SUBJECT_LENGTH - 1),
        "x" * MAX_SUBJECT_LENGTH,
    ]
    names = ("unverified:strangers", "n" * MAX_WINDOW_NAME_LENGTH)
    rate_limits = [
        *(a_rate_limit(1, subject=subject) for subject in subjects),
        *(a_rate_limit(1, name, subjects[0]) for name in names),
        a_rate_limit(1, subject=subjects[0], purpose=LimitPurpose.ATTEMPTS),
        a_rate_limit(1, names[1], subjects[-1], purpose=LimitPurpose.ATTEMPTS),
    ]

    for limit in rate_limits:
        assert await acquire_many(limits, 2, limit) == 1


async def test_windows_of_one_record_have_their_own_limits_and_periods(
    limits: LimitStore,
) -> None:
    hour, day = a_rate_limit(2, "hour"), a_rate_limit(3, "day", period=DAY)

    accepted = [
        await acquire_many(limits, 4, hour, day, at=NOW + hours * HOUR) for hours in (0, 2, 4)
    ]

    assert accepted == [2, 1, 0]
    assert await acquire_many(limits, 4, hour, at=NOW + 4 * HOUR) == 2


# Times.


@pytest.mark.parametrize("period", [HOUR, 100 * SECOND], ids=str)
async def test_a_rejected_reservation_gets_the_time_when_it_succeeds(
    limits: LimitStore, period: timedelta
) -> None:
    limit = a_rate_limit(3, period=period)
    times = [NOW + 1234 * MILLISECOND + number * period / 20 for number in range(4)]
    for number in range(3):
        await limits.acquire(a_reservation(limit, at=times[number]))

    available_at = await acquire(limits, a_reservation(limit, at=times[3]))

    assert isinstance(available_at, datetime)
    assert is_available_at(available_at, times[0] + period, period)
    just_before = a_reservation(limit, at=available_at - MILLISECOND)
    assert await acquire(limits, just_before) == available_at
    assert await acquire_many(limits, 1, limit, at=available_at) == 1
    next_at = await acquire(limits, a_reservation(limit, at=available_at))
    assert is_available_at(next_at, times[1] + period, period)


async def test_the_latest_of_several_times_is_returned(limits: LimitStore) -> None:
    long, short = a_rate_limit(1, "long", period=2 * HOUR), a_rate_limit(1, subject="short")
    await limits.acquire(a_reservation(long, short))

    for available_at in (
        await acquire(limits, a_reservation(short, long)),
        await limits.next_available(a_reservation(long, short)),
        await limits.next_available(a_reservation(short, long)),
    ):
        assert is_available_at(available_at, NOW + 2 * HOUR, 2 * HOUR)


async def test_next_available_acquires_nothing(limits: LimitStore) -> None:
    for _ in range(3):
        assert await limits.next_available(a_reservation(a_rate_limit(1))) == NOW

    assert await acquire_many(limits, 1, a_rate_limit(1)) == 1
    available_at = await limits.next_available(a_reservation(a_rate_limit(1)))
    assert is_available_at(available_at, NOW + HOUR)


async def test_the_oldest_permits_expire_first_in_any_order(limits: LimitStore) -> None:
    limit, period = 9, 10 * MINUTE
    a_limit = a_rate_limit(limit, period=period)
    for number in range(limit):
        at = NOW + (40, 0, 20)[number % 3] * SECOND
        await limits.acquire(a_reservation(a_limit, at=at))

    accepted = await acquire_many(limits, limit, a_limit, at=NOW + period + 30 * SECOND)
    assert accepted == limit * 2 // 3


async def test_a_window_that_is_used_for_a_long_time_counts_what_it_counts_at_first(
    limits: LimitStore,
) -> None:
    limit = a_rate_limit(70)
    for minutes in range(100):
        assert await acquire_many(limits, 1, limit, at=NOW + minutes * MINUTE) == 1

    # Those of the last 61 minutes count: 60, and a sixtieth more.
    now = NOW + 100 * MINUTE
    assert await acquire_many(limits, 70, limit, at=now) in (9, 10)
    assert is_available_at(await acquire(limits, a_reservation(limit, at=now)), now)


@pytest.mark.parametrize(
    ("ahead", "counts"), [(30 * SECOND, True), (2 * HOUR, False)], ids=["skew", "far"]
)
async def test_permits_in_the_future_count_within_the_clock_skew(
    limits: LimitStore, ahead: timedelta, counts: bool
) -> None:
    assert await acquire_many(limits, 5, a_rate_limit(3), at=NOW + ahead) == 3

    result = await acquire(limits, a_reservation(a_rate_limit(3)))

    # A clock that is ahead may delay others.
    is_delayed = is_available_at(result, NOW + ahead + HOUR)
    assert is_delayed or (isinstance(result, Acquisition) and not counts)


async def test_an_instance_whose_clock_is_ahead_removes_no_permits_that_count_for_others(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = a_rate_limit(5, period=10 * MINUTE)
    assert await acquire_many(limits, 5, limit) == 5
    before_they_expire = NOW + 10 * MINUTE - SECOND

    await other_limits.acquire(a_reservation(limit, at=before_they_expire + CLOCK_SKEW))
    await other_limits.delete_expired(before_they_expire + CLOCK_SKEW, 9)

    assert await acquire_many(limits, 5, limit, at=before_they_expire) == 0


async def test_a_lowered_limit_lets_one_more_reservation_pass_at_most(
    limits: LimitStore,
) -> None:
    await acquire_many(limits, 7, a_rate_limit(9))

    assert await acquire_many(limits, 9, a_rate_limit(5), at=NOW + SECOND) <= 1

    available_at = await acquire(limits, a_reservation(a_rate_limit(5), at=NOW + SECOND))
    assert isinstance(available_at, datetime)
    assert NOW + HOUR <= available_at <= EXPIRED + SECOND
    assert await acquire_many(limits, 9, a_rate_limit(5), at=EXPIRED + SECOND) == 5


async def test_a_raised_limit_is_available_at_once(limits: LimitStore) -> None:
    assert await acquire_many(limits, 4, a_rate_limit(3)) == 3

    assert await acquire_many(limits, 9, a_rate_limit(5), at=NOW + SECOND) == 2


async def test_a_changed_period_is_never_exceeded(limits: LimitStore) -> None:
    assert await acquire_many(limits, 3, a_rate_limit(3)) == 3

    longer = a_rate_limit(3, period=DAY)
    assert await acquire_many(limits, 3, longer, at=NOW + SECOND) == 0
    assert await acquire_many(limits, 3, longer, at=NOW + DAY + DAY / 60) == 3


# Groups with parts.


def a_group(*sizes: int, share: int = 1_000, name: str = "all") -> Group:
    """Return a group with a part of each size. Each part has a share."""
    return Group(
        name,
        tuple(
            Part(
                f"part_{number}",
                (
                    a_rate_limit(size, f"{name}:part_{number}"),
                    a_rate_limit(share, f"{name}:part_{number}", subject="network:1"),
                ),
            )
            for number, size in enumerate(sizes, start=1)
        ),
    )


def a_part_limit(size: int, number: int) -> RateLimit:
    """Return the limit of a part, as one that is used alone."""
    return a_rate_limit(size, f"all:part_{number}")


def a_divided_reservation(
    *groups: Group, limits: tuple[RateLimit, ...] = (), at: datetime = NOW
) -> Reservation:
    return Reservation(at, limits, groups)


async def acquire_parts(
    limits: LimitStore, count: int, *sizes: int, at: datetime = NOW, share: int = 1_000
) -> int:
    """Make that many reservations in parallel; return how many were accepted."""
    reservation = a_divided_reservation(a_group(*sizes, share=share), at=at)
    return len(await acquire_all(limits, *[reservation] * count))


async def test_the_limits_of_the_parts_that_were_used_are_returned(limits: LimitStore) -> None:
    group, other = a_group(1, 5), a_group(7, name="other")
    requests = a_rate_limit(9)
    reservation = a_divided_reservation(group, other, limits=(requests,))

    first, second = [await acquire(limits, reservation) for _ in range(2)]

    used_in_other = UsedPart("other", "part_1")
    assert first == Acquisition(
        NOW,
        (requests, *group.parts[0].limits, *other.parts[0].limits),
        (UsedPart("all", "part_1"), used_in_other),
    )
    assert second == Acquisition(
        NOW,
        (requests, *group.parts[1].limits, *other.parts[0].limits),
        (UsedPart("all", "part_2"), used_in_other),
    )


@pytest.mark.parametrize("sizes", [(2, 3), (70, 60, 50)], ids=str)
async def test_parallel_reservations_of_two_instances_get_exactly_the_sum_of_the_parts(
    limits: LimitStore, other_limits: LimitStore, sizes: tuple[int, ...]
) -> None:
    second_part = a_part_limit(sizes[1], 2)
    assert await acquire_many(limits, 1, second_part) == 1

    counts = await asyncio.gather(
        acquire_parts(limits, 120, *sizes), acquire_parts(other_limits, 120, *sizes)
    )

    assert sum(counts) == sum(sizes) - 1
    rejected = a_reservation(second_part, at=NOW + SECOND)
    assert is_available_at(await acquire(limits, rejected), NOW + HOUR)
    available_at = await limits.next_available(a_divided_reservation(a_group(*sizes)))
    assert is_available_at(available_at, NOW + HOUR)


async def test_a_part_is_used_in_whole_or_not_at_all_the_first_one_first(
    limits: LimitStore,
) -> None:
    assert await acquire_parts(limits, 2, 5, 5) == 2
    assert await limits.next_available(a_reservation(a_part_limit(1, 2))) == NOW
    # The shares of both parts end first, and use up no part.
    assert await acquire_parts(limits, 9, 5, 5, at=NOW + SECOND, share=3) == 4
    for number in (1, 2):
        assert await acquire_many(limits, 9, a_part_limit(5, number), at=NOW + SECOND) == 2


async def test_a_full_later_part_leaves_the_first_one(limits: LimitStore) -> None:
    await acquire_many(limits, 5, a_part_limit(3, 2))

    assert await acquire_parts(limits, 9, 4, 3, at=NOW + SECOND) == 4


async def test_another_full_limit_or_group_uses_no_part(limits: LimitStore) -> None:
    full = a_rate_limit(1, "full")
    full_group = Group("full", (Part("part_1", (full,)),))
    await limits.acquire(a_reservation(full))

    for rejected in (
        a_divided_reservation(a_group(1, 1), limits=(full,)),
        a_divided_reservation(a_group(1, 1), full_group),
        a_divided_reservation(full_group, a_group(1, 1)),
    ):
        assert is_available_at(await acquire(limits, rejected), NOW + HOUR)

    assert await acquire_parts(limits, 5, 1, 1) == 2


async def test_a_group_is_available_when_the_first_of_its_parts_is(limits: LimitStore) -> None:
    long = Part("long", (a_rate_limit(1, "long", period=DAY),))
    short = Part("short", (a_rate_limit(1, "short"),))
    group = Group("all", (long, short))
    await acquire_all(limits, *[a_divided_reservation(group)] * 2)

    assert is_available_at(await acquire(limits, a_divided_reservation(group)), NOW + HOUR)
    with_a_limit = a_divided_reservation(group, limits=(a_rate_limit(9),))
    assert is_available_at(await limits.next_available(with_a_limit), NOW + HOUR)


# Releasing.


async def test_what_was_released_is_available_again(limits: LimitStore) -> None:
    reservation = a_reservation(a_rate_limit(1, "own"), a_rate_limit(2, subject="ip:1"))
    acquired = await acquire(limits, reservation)
    assert isinstance(acquired, Acquisition)
    assert await acquire_all(limits, reservation) == []

    await limits.release(acquired)

    assert await acquire_all(limits, reservation) == [acquired]


async def test_a_part_of_what_was_acquired_can_be_released(limits: LimitStore) -> None:
    own, of_ip = a_rate_limit(1, "own"), a_rate_limit(1, subject="ip:1")
    missing = a_rate_limit(1, "missing")
    await limits.acquire(a_divided_reservation(a_group(1), limits=(own, of_ip)))

    released = (own, *a_group(1).parts[0].limits, missing, a_rate_limit(1, subject="ip:2"))
    await limits.release(Acquisition(NOW, released))

    assert await acquire_many(limits, 2, own) == 1
    assert await acquire_many(limits, 2, of_ip) == 0
    assert await acquire_parts(limits, 2, 1) == 1
    assert await acquire_many(limits, 2, missing) == 1


async def test_a_permit_of_each_part_can_be_released(limits: LimitStore) -> None:
    acquired = await acquire_all(limits, *[a_divided_reservation(a_group(1, 1))] * 3)
    assert len(acquired) == 2

    for acquisition in acquired:
        await limits.release(acquisition)

    assert await acquire_parts(limits, 5, 1, 1, at=NOW + SECOND) == 2


async def test_two_acquisitions_of_the_same_moment_are_released_separately(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    first, second = await acquire_all(limits, *[a_reservation(a_rate_limit(2))] * 2)

    await limits.release(first)
    assert await acquire_many(limits, 3, a_rate_limit(2)) == 1
    await other_limits.release(second)
    assert await acquire_many(limits, 3, a_rate_limit(2)) == 1


async def test_a_large_rate_limit_is_used_completely_and_can_be_released(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = a_rate_limit(250)
    acquired = await acquire_all(limits, *[a_reservation(limit)] * 250)
    assert len(acquired) == 250
    assert is_available_at(await acquire(limits, a_reservation(limit)), NOW + HOUR)

    await asyncio.gather(
        *(limits.release(acquisition) for acquisition in acquired[:13]),
        *(other_limits.release(acquisition) for acquisition in acquired[13:25]),
    )

    assert await acquire_many(limits, 50, limit, at=NOW + SECOND) == 25


async def test_releasing_what_is_missing_changes_nothing(limits: LimitStore) -> None:
    await acquire_many(limits, 2, a_rate_limit(2))

    for limit, at in (
        (a_rate_limit(2), NOW + 5 * MINUTE),
        (a_rate_limit(2), NOW - DAY),
        (a_rate_limit(2, "another"), NOW),
        (a_rate_limit(2, purpose=LimitPurpose.CALLS), NOW),
        (a_rate_limit(2, subject="another"), NOW),
    ):
        await limits.release(Acquisition(at, (limit,)))

    assert await acquire_many(limits, 2, a_rate_limit(2), at=NOW + SECOND) == 0
    for _ in range(3):
        await limits.release(Acquisition(NOW, (a_rate_limit(2),)))
    # Not more than were acquired.
    assert await acquire_many(limits, 5, a_rate_limit(2), at=NOW + SECOND) == 2


async def test_releasing_an_expired_permit_releases_no_other(limits: LimitStore) -> None:
    expired = await acquire(limits, a_reservation(a_rate_limit(1)))
    assert isinstance(expired, Acquisition)
    assert await acquire_many(limits, 1, a_rate_limit(1), at=EXPIRED) == 1

    await limits.release(expired)

    assert await acquire_many(limits, 1, a_rate_limit(1), at=EXPIRED) == 0
    await limits.delete_expired(NOW + DAY, 9)
    await limits.release(expired)
    assert await acquire_many(limits, 1, a_rate_limit(1), at=NOW + DAY) == 1


@pytest.mark.parametrize("steps", [0, 2])
async def test_permits_of_a_cancelled_caller_are_released_or_expire(
    limits: LimitStore, other_limits: LimitStore, steps: int
) -> None:
    limit = a_rate_limit(10)
    tasks = [asyncio.create_task(acquire(limits, a_reservation(limit))) for _ in range(20)]
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    acquired = sum(isinstance(result, Acquisition) for result in results)
    assert acquired + await acquire_many(other_limits, 20, limit) <= 10
    assert await acquire_many(other_limits, 20, limit, at=EXPIRED) == 10


# Counting.


async def count_one(limits: LimitStore, limit: RateLimit, at: datetime = NOW) -> int:
    [count] = await limits.count_used([limit], at)
    return count


async def test_permits_of_all_instances_are_counted_in_the_order_of_the_limits(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    hour, day = a_rate_limit(3, "hour"), a_rate_limit(9, "day", period=DAY)
    of_country = a_rate_limit(9, subject="country:US")
    await acquire_many(limits, 2, hour, day)
    await acquire_many(other_limits, 2, day, of_country)
    unknown = a_rate_limit(3, "unknown"), a_rate_limit(3, subject="country:DE")

    for store in (limits, other_limits):
        counts = await store.count_used([of_country, day, *unknown, hour, day], NOW + SECOND)
        assert counts == [2, 4, 0, 0, 2, 4]


async def test_a_released_permit_is_not_counted(limits: LimitStore) -> None:
    limit, other = a_rate_limit(9), a_rate_limit(9, "other", period=DAY)
    await acquire_many(limits, 3, limit, other)

    for left in (2, 1, 0):
        await limits.release(Acquisition(NOW, (limit,)))

        counts = await limits.count_used([limit, other], NOW)
        assert counts == [left, 3], "a release changed another window of the record"
    deleted = await limits.delete_expired(NOW + 2 * HOUR, 9)
    assert deleted == 0, "after a release the record expired before its longest window"


async def test_a_permit_of_the_part_that_was_used_is_counted(limits: LimitStore) -> None:
    await acquire_all(limits, *[a_divided_reservation(a_group(2, 9))] * 5)

    parts = [a_part_limit(2, 1), a_part_limit(9, 2)]

    assert await limits.count_used(parts, NOW) == [2, 3]


async def test_an_expired_permit_is_not_counted(limits: LimitStore) -> None:
    hour, day = a_rate_limit(3, "hour"), a_rate_limit(9, "day", period=DAY)
    await acquire_many(limits, 2, hour, day)

    assert await limits.count_used([hour, day], NOW + HOUR - SECOND) == [2, 2]
    assert await limits.count_used([hour, day], EXPIRED) == [0, 2]
    await limits.delete_expired(NOW + 2 * DAY, 9)
    assert await limits.count_used([hour, day], NOW + 2 * DAY) == [0, 0]


async def test_what_is_counted_is_what_cannot_be_acquired(limits: LimitStore) -> None:
    limit = a_rate_limit(20)
    for minutes in (0, 20, 59):
        await acquire_many(limits, 2, limit, at=NOW + minutes * MINUTE)

    for minutes in (59, 61, 125):
        at = NOW + minutes * MINUTE
        used = await count_one(limits, limit, at)
        acquired = await acquire_all(limits, *[a_reservation(limit, at=at)] * 21)
        assert used + len(acquired) == await count_one(limits, limit, at) == 20
        for acquisition in acquired:
            await limits.release(acquisition)


async def test_after_a_limit_was_lowered_more_are_counted_than_it_has(
    limits: LimitStore,
) -> None:
    await acquire_many(limits, 7, a_rate_limit(9))

    assert await count_one(limits, a_rate_limit(5)) == 7


async def test_counting_changes_nothing(limits: LimitStore) -> None:
    limit = a_rate_limit(1)
    for _ in range(3):
        assert await count_one(limits, limit) == 0

    assert await acquire_many(limits, 2, limit) == 1
    assert await count_one(limits, limit, EXPIRED) == 0
    assert await count_one(limits, limit) == 1


async def test_hundreds_of_limits_are_counted_by_one_call(limits: LimitStore) -> None:
    subjects = [a_rate_limit(9, subject=f"country:{number}") for number in range(250)]
    await limits.acquire(a_reservation(subjects[7]), a_reservation(subjects[249]))

    counts = await limits.count_used(subjects, NOW)

    assert counts == [1 if number in (7, 249) else 0 for number in range(250)]


async def test_a_release_keeps_all_other_permits(limits: LimitStore) -> None:
    windows = (a_rate_limit(9, "hour"), a_rate_limit(9, "day", period=DAY))
    acquired = await acquire_all(limits, *[a_reservation(*windows)] * 3)

    await limits.release(acquired[0])

    deleted = await limits.delete_expired(NOW + MINUTE, 10)
    used = await limits.count_used(windows, NOW + MINUTE)
    assert (deleted, used) == (0, [2, 2]), "a release ended other permits"
    await asyncio.sleep(1.5)  # a server may delete a record on its own clock
    assert await limits.count_used(windows, NOW + MINUTE) == [2, 2], (
        "more than a second after a release the other permits were gone"
    )


# Cleanup.


async def test_only_records_whose_permits_expired_are_deleted(limits: LimitStore) -> None:
    old, new = a_rate_limit(1, subject="old"), a_rate_limit(1, subject="new")
    await limits.acquire(a_reservation(old))
    await limits.acquire(a_reservation(new, at=NOW + HOUR / 2))
    of_hour, of_day = a_rate_limit(1, "hour", "mixed"), a_rate_limit(1, "day", "mixed", DAY)
    await limits.acquire(a_reservation(of_day, of_hour))

    assert await limits.delete_expired(NOW + HOUR, 10) == 0
    await limits.delete_expired(EXPIRED + 2 * MINUTE, 10)

    now = NOW + 1.25 * HOUR
    available_at = await limits.next_available(a_reservation(new, at=now))
    assert is_available_at(available_at, NOW + 1.5 * HOUR)
    assert await limits.next_available(a_reservation(of_hour, at=now)) == now
    available_at = await limits.next_available(a_reservation(of_day, at=now))
    assert is_available_at(available_at, NOW + DAY, DAY)


ORDERS: Final = [(MINUTE, HOUR, DAY), (DAY, HOUR, MINUTE), (HOUR, DAY, MINUTE)]
"""Periods of the windows of one record, in the order in which they are acquired."""


async def acquire_mixed(
    limits: LimitStore, periods: Sequence[timedelta], *, is_together: bool
) -> list[RateLimit]:
    """Acquire a permit in a window of each period, all of one record, by one call or several."""
    windows = [a_rate_limit(1, f"of_{period.seconds}", "mixed", period) for period in periods]
    for limits_of_call in [windows] if is_together else [[window] for window in windows]:
        await limits.acquire(a_reservation(*limits_of_call))
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
        await limits.release(Acquisition(NOW, tuple(windows)))


async def test_a_record_outlives_the_shortest_of_its_windows_on_the_clock_of_the_store(
    limits: LimitStore,
) -> None:
    await limits.acquire(a_reservation(a_rate_limit(1, period=SECOND)))
    if await limits.delete_expired(NOW + DAY, 10):
        return  # nothing else deletes records
    short, long = a_rate_limit(1, "short", period=SECOND), a_rate_limit(1, "long", period=DAY)
    await limits.acquire(a_reservation(short, long))
    await limits.acquire(a_reservation(long), a_reservation(short, at=NOW + MINUTE))

    await asyncio.sleep(2.5)  # longer than the short windows

    assert await limits.count_used([long], NOW) == [1], (
        "the record was deleted with its shortest window: it has to stay for the longest one"
    )


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
        await limits.release(Acquisition(NOW, tuple(windows)))


async def test_no_more_than_the_limit_are_deleted(limits: LimitStore) -> None:
    for number in range(5):
        await limits.acquire(a_reservation(a_rate_limit(1, subject=f"ip:{number}")))
    await limits.acquire(a_reservation(a_rate_limit(1, period=2 * DAY)))

    deleted = [await limits.delete_expired(NOW + DAY, 2) for _ in range(4)]

    if external_adapter.is_given() and not any(deleted):
        not_promised("what has expired is deleted by the store itself")
    assert deleted == [2, 2, 1, 0]


async def test_a_deletion_while_permits_are_acquired_deletes_none_that_counts(
    limits: LimitStore, other_limits: LimitStore
) -> None:
    limit = a_rate_limit(10)
    await acquire_many(limits, 10, limit)

    accepted, *_ = await asyncio.gather(
        acquire_many(limits, 20, limit, at=NOW + DAY),
        *(other_limits.delete_expired(NOW + DAY, 10) for _ in range(10)),
    )

    assert accepted == 10
    assert await acquire_many(limits, 20, limit, at=NOW + DAY + SECOND) == 0
