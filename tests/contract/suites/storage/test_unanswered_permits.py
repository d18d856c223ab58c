"""Permits whose acquisition or release was sent, and was not answered: none counts twice."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Final

import pytest

from application.ports.errors import StorageError
from application.ports.limits import LimitStore
from domain.otp.rate_limits import RateLimit
from tests.contract.suites.outcomes import ObservedCall
from tests.contract.suites.promises import unproven
from tests.contract.suites.storage.outages import (
    A_LIMIT,
    WITHOUT_AN_ANSWER,
    OutageInstances,
    make_unanswered,
    unseen_words,
)
from tests.contract.suites.storage.record_examples import NOW

STORED: Final = 5
"""Permits that are acquired before."""


CHANGES: Final[dict[str, tuple[Callable[[LimitStore, RateLimit], Awaitable[object]], int]]] = {
    "acquire": (lambda store, limit: store.acquire([limit], NOW), 1),
    "release": (lambda store, limit: store.release([limit], NOW), -1),
}
"""What changes the permits, and how many more there are afterwards."""


@WITHOUT_AN_ANSWER
@pytest.mark.parametrize("name", CHANGES)
async def test_a_call_that_is_not_answered_is_an_error_and_is_not_repeated(
    outage_instances: OutageInstances, name: str, is_lost: bool
) -> None:
    (make, by), other = CHANGES[name], outage_instances.other.limits
    subjects = count()
    limit = A_LIMIT

    async def prepare() -> None:
        nonlocal limit
        limit = replace(A_LIMIT, subject=str(next(subjects)))
        for _ in range(STORED):
            await other.acquire([limit], NOW)

    async def used_permits() -> int:
        [used] = await other.count_used([limit], NOW)
        return used

    async def is_done() -> bool:
        return await used_permits() != STORED

    outcome, was_done = await make_unanswered(
        outage_instances,
        prepare,
        lambda: make(outage_instances.database.limits, limit),
        is_done,
        is_lost=is_lost,
    )

    check(name, outcome, await used_permits() - STORED, by, is_lost=is_lost)
    if not was_done:
        unproven(unseen_words(name))


def check(name: str, outcome: ObservedCall, more: int, by: int, *, is_lost: bool) -> None:
    """Check what a call did that was to change the permits by one.

    Args:
        name: Its name.
        outcome: Its outcome.
        more: How many permits more there are now.
        by: How many more there are if it was done once.
        is_lost: Whether its connection was lost. Otherwise it was not answered.
    """
    wrong = ""
    if abs(more) > 1:
        wrong = f"was sent again after it was not answered: one permit became {abs(more)}"
    elif outcome.error is None and not is_lost:
        wrong = f"{outcome.words}, but was not answered: it has to raise StorageTimeout"
    elif outcome.error is None and more != by:
        wrong = f"{outcome.words}, but did nothing"
    elif outcome.error is not None and not isinstance(outcome.error, StorageError):
        wrong = f"{outcome.words}, which is no StorageError"
    if wrong:
        pytest.fail(f"{name} {wrong}", pytrace=False)
