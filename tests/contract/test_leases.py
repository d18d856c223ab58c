"""A lease belongs to one instance at a time, and expires."""

import asyncio
from datetime import timedelta

from application.ports.repositories import Repositories
from domain.otp.sliding_window import CLOCK_SKEW
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW

pytestmark = IN_MEMORY_FIRST

HOUR = timedelta(hours=1)


async def test_one_of_fifty_parallel_requests_acquires_a_lease_until_it_expires(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    for begin in (NOW, NOW + HOUR):
        acquired = await asyncio.gather(
            *(
                instance.leases.acquire("cleanup", begin, begin + HOUR)
                for instance in (repositories, other_repositories)
                for _ in range(25)
            )
        )
        assert sum(acquired) == 1
    # Another name is another lease.
    assert await repositories.leases.acquire("report", NOW, NOW + HOUR)


async def test_a_lease_counts_up_to_the_clock_skew_after_the_requested_end(
    repositories: Repositories,
) -> None:
    assert await repositories.leases.acquire("cleanup", NOW, NOW + HOUR)
    # Later than that it is from a clock that was set back.
    end = NOW + HOUR - CLOCK_SKEW
    assert not await repositories.leases.acquire("cleanup", NOW, end)
    assert await repositories.leases.acquire("cleanup", NOW, end - timedelta(milliseconds=1))
