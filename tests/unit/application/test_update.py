"""Optimistic concurrency: conflicts are retried, and unchanged records are not written."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from application.ports.errors import ConcurrencyConflict
from application.ports.versioned import Versioned
from application.update import MAX_RETRIES, change
from domain.errors import UsernameInUse, UserNotFound
from domain.identities.identity import Identity
from domain.identities.role import Role
from tests.support.builders import an_id, an_identity
from tests.support.core_harness import CoreHarness


@dataclass
class Counter:
    """A repository of one number. Other writers increase it `conflicts` times before a write."""

    value: int = 0
    version: int = 1
    conflicts: int = 0
    loads: int = 0
    writes: list[int] = field(default_factory=list)

    async def load(self, _: str, /) -> Versioned[int]:
        self.loads += 1
        return Versioned(self.value, self.version)

    async def save(self, _: str, value: int, version: int, /) -> bool:
        if self.conflicts:
            self.conflicts -= 1
            self.value, self.version = self.value + 10, self.version + 1
        if version != self.version:
            return False
        self.writes.append(value)
        self.value, self.version = value, version + 1
        return True

    async def increase(self) -> int:
        return await change(self, "", lambda value: (value + 1, value + 1))


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the delays, which are always the maximum."""
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr(random, "uniform", lambda _, maximum: maximum)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return delays


async def test_only_a_changed_record_is_written() -> None:
    counter = Counter()
    assert await counter.increase() == 1
    assert (counter.value, counter.loads, counter.writes) == (1, 1, [1])
    same = await change(counter, "", lambda value: (value, "as it is"))
    assert (same, counter.writes) == ("as it is", [1])


@pytest.mark.parametrize(
    ("conflicts", "delayed"), [(3, 0), (4, 1), (MAX_RETRIES - 1, MAX_RETRIES - 4)]
)
async def test_conflicts_are_retried_with_the_latest_record_and_with_jitter_after_three(
    delays: list[float], conflicts: int, delayed: int
) -> None:
    counter = Counter(conflicts=conflicts)
    assert await counter.increase() == 10 * conflicts + 1
    assert (counter.loads, len(counter.writes)) == (conflicts + 1, 1)
    assert delays == [0.02] * delayed
    too_many = Counter(conflicts=MAX_RETRIES + 1)
    with pytest.raises(ConcurrencyConflict):
        await too_many.increase()
    assert too_many.writes == []


async def test_a_coroutine_decides_anew_after_a_conflict() -> None:
    counter, seen = Counter(conflicts=1), list[int]()

    async def increase(value: int) -> tuple[int, int]:
        await asyncio.sleep(0)
        seen.append(value)
        return value + 1, value + 1

    assert await change(counter, "", increase, loaded=Versioned(0, 1)) == 11
    assert (seen, counter.loads, counter.writes) == ([0, 10], 1, [11])


async def test_nothing_is_written_if_the_change_is_not_allowed_or_the_record_is_missing(
    app: CoreHarness,
) -> None:
    identities, counter = app.database.repositories().identities, Counter()

    def reject(_: object) -> tuple[int, None]:
        raise UsernameInUse

    with pytest.raises(UsernameInUse):
        await change(counter, "", reject)
    with pytest.raises(UserNotFound):
        await change(identities, an_id(), lambda found: (found, None), missing=UserNotFound)
    assert await change(identities, an_id(), lambda found: (found, found)) is None
    assert (counter.writes, app.database.identities) == ([], {})


@pytest.mark.parametrize("is_added_meanwhile", [False, True])
async def test_an_unknown_identity_is_added_or_changed_if_it_exists_meanwhile(
    app: CoreHarness, is_added_meanwhile: bool
) -> None:
    identities = app.database.repositories().identities

    def promote(identity: Identity | None) -> tuple[Identity, Identity]:
        promoted = (identity or an_identity()).promote(Role.ADMINISTRATOR)
        return promoted, promoted

    if is_added_meanwhile:
        app.faults.run_before("identities.add", lambda: identities.add(an_identity()))
    saved = await change(identities, an_id(), promote)
    assert saved.is_administrator
    assert app.database.identities[an_id()] == Versioned(saved, 1 + is_added_meanwhile)
