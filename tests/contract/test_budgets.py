import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from application.ports.repositories import Repositories
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def budget(limit: int, name: str = "sends", length: timedelta = HOUR) -> RateLimit:
    return RateLimit(name, SlidingWindow(limit, length))


def draw(number: int, *rate_limiter: RateLimit, at: datetime = NOW) -> Reservation:
    return Reservation(f"draw {number}", at, rate_limiter)


async def taken(
    records: Repositories, count: int, *rate_limiter: RateLimit, at: datetime = NOW
) -> int:
    """Draw so often at once; say how often it was granted."""
    draws = [draw(number, *rate_limiter, at=at) for number in range(count)]
    answers = await asyncio.gather(*(records.rate_limiter.acquire(one) for one in draws))
    return answers.count(None)


@pytest.mark.parametrize("limit", [1, 7, 49])
async def test_fifty_at_once_get_what_the_budget_has(records: Repositories, limit: int) -> None:
    assert await taken(records, 50, budget(limit)) == limit
    assert await records.rate_limiter.acquire(draw(50, budget(limit))) is not None


async def test_instances_share_one_budget(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    here = [records.rate_limiter.acquire(draw(number, budget(9))) for number in range(25)]
    there = [
        records_elsewhere.rate_limiter.acquire(draw(-number, budget(9))) for number in range(1, 26)
    ]

    answers = await asyncio.gather(*here, *there)

    assert answers.count(None) == 9


async def test_a_large_budget_is_given_out_to_the_last_slot(records: Repositories) -> None:
    assert await taken(records, 300, budget(250)) == 250


async def test_of_two_budgets_the_smaller_one_binds(records: Repositories) -> None:
    assert await taken(records, 50, budget(40, "large"), budget(6, "small")) == 6


async def test_who_is_refused_by_one_budget_takes_nothing_of_another(records: Repositories) -> None:
    await taken(records, 50, budget(40, "large"), budget(6, "small"))

    assert await taken(records, 50, budget(40, "large"), at=NOW + SECOND) == 34


async def test_budgets_that_cross_never_give_more_than_they_have(records: Repositories) -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "a")]
    draws = [
        draw(number, *(budget(10, name) for name in pairs[number % 3])) for number in range(60)
    ]

    answers = await asyncio.gather(*(records.rate_limiter.acquire(one) for one in draws))

    given = [one for one, answer in zip(draws, answers, strict=True) if answer is None]
    held = Counter(each.name for one in given for each in one.limits)
    assert given
    assert all(count <= 10 for count in held.values())


async def test_a_refusal_tells_when_there_is_room_and_then_there_is(records: Repositories) -> None:
    for number in range(3):
        await records.rate_limiter.acquire(draw(number, budget(3), at=NOW + number * SECOND))

    free_at = await records.rate_limiter.acquire(draw(3, budget(3), at=NOW + 9 * SECOND))

    assert free_at == NOW + HOUR
    just_before = draw(4, budget(3), at=free_at - timedelta(milliseconds=1))
    assert await records.rate_limiter.acquire(just_before) == free_at
    assert await records.rate_limiter.acquire(draw(5, budget(3), at=free_at)) is None
    assert await records.rate_limiter.acquire(draw(6, budget(3), at=free_at)) == NOW + SECOND + HOUR


async def test_of_two_spent_budgets_the_later_one_is_told(records: Repositories) -> None:
    long, short = budget(1, "long", 2 * HOUR), budget(1, "short")
    await records.rate_limiter.acquire(draw(1, long, short))

    assert await records.rate_limiter.acquire(draw(2, short, long)) == NOW + 2 * HOUR
    assert await records.rate_limiter.next_available(draw(3, long, short)) == NOW + 2 * HOUR


async def test_asking_when_there_is_room_takes_none(records: Repositories) -> None:
    for _ in range(3):
        assert await records.rate_limiter.next_available(draw(1, budget(1))) == NOW

    assert await records.rate_limiter.acquire(draw(1, budget(1))) is None
    assert await records.rate_limiter.next_available(draw(2, budget(1))) == NOW + HOUR


async def test_what_is_given_back_is_free_for_somebody_else(records: Repositories) -> None:
    both = (budget(1, "own"), budget(2, "all"))
    await records.rate_limiter.acquire(draw(1, *both))
    assert await records.rate_limiter.acquire(draw(2, *both)) is not None

    await records.rate_limiter.release(draw(1, *both))

    assert await records.rate_limiter.acquire(draw(2, *both)) is None


async def test_a_part_of_a_draw_can_be_given_back(records: Repositories) -> None:
    await records.rate_limiter.acquire(draw(1, budget(1, "own"), budget(1, "all")))

    await records.rate_limiter.release(draw(1, budget(1, "all")))

    assert await records.rate_limiter.next_available(draw(2, budget(1, "all"))) == NOW
    assert await records.rate_limiter.next_available(draw(2, budget(1, "own"))) == NOW + HOUR


async def test_giving_back_twice_frees_one_slot(records: Repositories) -> None:
    await taken(records, 4, budget(4))

    for _ in range(2):
        await records.rate_limiter.release(draw(1, budget(4)))

    assert await taken(records, 4, budget(4), at=NOW + SECOND) == 1


async def test_giving_back_what_was_never_taken_frees_nothing(records: Repositories) -> None:
    await taken(records, 2, budget(2))

    await records.rate_limiter.release(draw(77, budget(2)))

    assert await records.rate_limiter.acquire(draw(3, budget(2))) is not None


async def test_a_slot_of_a_large_budget_is_found_for_giving_back(records: Repositories) -> None:
    assert await taken(records, 250, budget(250)) == 250

    await asyncio.gather(
        *(records.rate_limiter.release(draw(n, budget(250))) for n in range(0, 250, 10))
    )

    assert await taken(records, 50, budget(250), at=NOW + SECOND) == 25


async def test_drawing_twice_by_one_name_takes_one_slot_to_give_back(records: Repositories) -> None:
    for _ in range(2):
        await records.rate_limiter.acquire(draw(1, budget(2)))

    await records.rate_limiter.release(draw(1, budget(2)))

    assert await taken(records, 5, budget(2), at=NOW + SECOND) == 2


async def test_a_lower_limit_counts_at_once(records: Repositories) -> None:
    await taken(records, 5, budget(9))

    assert await records.rate_limiter.acquire(draw(10, budget(5), at=NOW + SECOND)) == NOW + HOUR


async def test_after_the_clock_stepped_back_nobody_waits_for_it(records: Repositories) -> None:
    ahead = NOW + 2 * HOUR
    assert await taken(records, 5, budget(3), at=ahead) == 3

    assert await taken(records, 5, budget(3)) == 3


async def test_a_clock_a_little_ahead_is_counted_with(records: Repositories) -> None:
    assert await taken(records, 5, budget(3), at=NOW + 30 * SECOND) == 3

    assert await records.rate_limiter.acquire(draw(9, budget(3))) == NOW + 30 * SECOND + HOUR


async def test_what_counts_no_more_is_dropped_and_nothing_else(records: Repositories) -> None:
    await records.rate_limiter.acquire(draw(1, budget(1, "old")))
    await records.rate_limiter.acquire(draw(2, budget(1, "new"), at=NOW + HOUR / 2))

    assert await records.rate_limiter.delete_expired(NOW + HOUR - SECOND, 10) == 0
    assert await records.rate_limiter.delete_expired(NOW + HOUR, 10) == 1

    assert (
        await records.rate_limiter.next_available(draw(3, budget(1, "new"), at=NOW + HOUR))
        > NOW + HOUR
    )


async def test_no_more_is_dropped_than_asked_for(records: Repositories) -> None:
    for number in range(5):
        await records.rate_limiter.acquire(draw(number, budget(1, f"budget {number}")))

    dropped = [await records.rate_limiter.delete_expired(NOW + HOUR, 2) for _ in range(4)]

    assert dropped == [2, 2, 1, 0]


async def test_budgets_of_any_name_are_kept_apart(records: Repositories) -> None:
    names = [
        "deliveries:ip:203.0.113.7",
        "deliveries:ip:2001:db8::/64",
        "x #0",
        "x",
        "x #1",
        "$a.b",
        "é",
    ]

    for name in names:
        assert await taken(records, 3, budget(1, name)) == 1
