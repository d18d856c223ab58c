"""Optimistic concurrency: conflicts are retried, and unchanged records are not written."""

import asyncio
import random
from dataclasses import dataclass, field
from unittest.mock import AsyncMock

import pytest

from adapters.records.repositories.identities import StoredIdentities
from application.ports.errors import ConcurrencyConflict
from application.ports.versioned import Versioned
from application.update import MAX_RETRIES, save_identity, update
from domain.errors import UserSaveFailed
from domain.identities.identity import Identity
from tests.support.builders import an_id, an_identity
from tests.support.core_harness import CoreHarness


@dataclass
class Counter:
    """A record with one number. Other writers increase it `conflicts` times before a write."""

    value: int = 0
    version: int = 1
    conflicts: int = 0
    loads: int = 0
    writes: list[int] = field(default_factory=list)

    async def load(self) -> Versioned[int]:
        self.loads += 1
        return Versioned(self.value, self.version)

    async def replace(self, value: int, version: int) -> bool:
        if self.conflicts:
            self.conflicts -= 1
            self.value, self.version = self.value + 10, self.version + 1
        if version != self.version:
            return False
        self.writes.append(value)
        self.value, self.version = value, version + 1
        return True

    async def increase(self) -> int:
        return await update(self.load, self.replace, lambda value: (value + 1, value + 1))


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
    same = await update(counter.load, counter.replace, lambda value: (value, "as it is"))
    assert (same, counter.writes) == ("as it is", [1])


@pytest.mark.parametrize(
    ("conflicts", "delayed"), [(0, 0), (3, 0), (4, 1), (10, 7), (MAX_RETRIES - 1, MAX_RETRIES - 4)]
)
async def test_conflicts_are_retried_with_the_latest_record_and_with_jitter_after_three(
    delays: list[float], conflicts: int, delayed: int
) -> None:
    counter = Counter(conflicts=conflicts)
    assert await counter.increase() == 10 * conflicts + 1
    assert (counter.loads, len(counter.writes)) == (conflicts + 1, 1)
    assert delays == [0.02] * delayed


@pytest.mark.parametrize("is_added_meanwhile", [False, True])
async def test_an_unknown_identity_is_added_or_changed_if_it_exists_meanwhile(
    app: CoreHarness, is_added_meanwhile: bool
) -> None:
    identities = app.database.repositories().identities

    def change(identity: Identity | None) -> Identity:
        return (identity or an_identity()).promote()

    if is_added_meanwhile:
        app.faults.run_before("identities.add", lambda: identities.add(an_identity()))
    saved = await save_identity(identities, an_id(), change)
    assert saved.is_administrator
    assert app.database.identities[an_id()] == Versioned(saved, 1 + is_added_meanwhile)


# Use cases


async def test_use_cases_give_up_after_too_many_conflicts(
    app: CoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal = await app.log_in()
    # Another writer changes the identity before each write.
    monkeypatch.setattr(StoredIdentities, "replace", AsyncMock(return_value=False))
    with pytest.raises(ConcurrencyConflict):
        await app.identities.delete_user(principal)
    with pytest.raises(UserSaveFailed):
        await app.create_user(principal)
