"""What all repositories have in common that add a record and replace it by its version."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.media.item import ItemState
from domain.otp.delivery_report import ReportedStatus
from tests.contract.conftest import OpenRepositories
from tests.support.builders import (
    NOW,
    a_call,
    a_delivery_report,
    a_media_usage,
    a_session,
    an_id,
    an_idempotency_key,
    an_identity,
    an_item,
)
from tests.support.full_records import FULL_RECORDS


@dataclass(frozen=True)
class Kind:
    """A kind of record.

    Attributes:
        name: The repository.
        record: A record of this kind.
        successor: What the record becomes.
        others: Fifty other records of the same id.
        delete: Deletes the record with the id `an_id()` that has this version.
    """

    name: str
    record: Any
    successor: Any
    others: list[Any]
    delete: Callable[[Repositories, int], Awaitable[bool]] | None = None

    async def add(self, repositories: Repositories, record: Any) -> bool:
        added: bool = await getattr(repositories, self.name).add(record)
        return added

    async def replace(self, repositories: Repositories, record: Any, version: int) -> bool:
        replaced: bool = await getattr(repositories, self.name).replace(record, version)
        return replaced

    async def load(self, repositories: Repositories, record: Any) -> Versioned[Any] | None:
        loaded: Versioned[Any] | None = await getattr(repositories, self.name).load(record.id)
        return loaded


DELETABLE = [
    Kind(
        "media_items",
        an_item(state=ItemState.PENDING),
        an_item(),
        [an_item(category=str(number)) for number in range(50)],
        lambda repositories, version: repositories.media_items.delete(an_id(), version),
    ),
    Kind(
        "calls",
        a_call(),
        a_call(ended_at=NOW),
        [a_call(path=(str(number),)) for number in range(50)],
        lambda repositories, version: repositories.calls.delete(an_id(), version),
    ),
    Kind(
        "media_usages",
        a_media_usage(),
        a_media_usage(pending={}),
        [a_media_usage(items=number) for number in range(50)],
        lambda repositories, version: repositories.media_usages.delete(an_id(), version),
    ),
    Kind(
        "idempotency_keys",
        an_idempotency_key(),
        an_idempotency_key(is_complete=True),
        [an_idempotency_key(fingerprint=str(number)) for number in range(50)],
        lambda repositories, version: repositories.idempotency_keys.delete("a key", version),
    ),
]
ALL_KINDS = [
    Kind(
        "identities",
        an_identity(),
        an_identity(last_used_at=NOW),
        [an_identity(sessions=(a_session(id=an_id(number)),)) for number in range(50)],
    ),
    Kind(
        "delivery_reports",
        a_delivery_report(),
        a_delivery_report(status=ReportedStatus.DELIVERED),
        [a_delivery_report(error_code=str(number)) for number in range(50)],
    ),
    *DELETABLE,
]


@pytest.fixture(params=ALL_KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


async def test_a_record_is_loaded_unchanged_at_version_1(
    repositories: Repositories, kind: Kind
) -> None:
    for number, record in enumerate(FULL_RECORDS[kind.name]):
        added = replace(record, id=an_id(number))
        assert await kind.load(repositories, added) is None

        assert await kind.add(repositories, added)

        assert await kind.load(repositories, added) == Versioned(added, 1)


async def test_a_record_is_added_once(repositories: Repositories, kind: Kind) -> None:
    assert await kind.add(repositories, kind.record)

    assert not await kind.add(repositories, kind.record)
    assert not await kind.add(repositories, kind.successor)
    assert await kind.load(repositories, kind.record) == Versioned(kind.record, 1)


async def test_a_version_allows_one_replacement_or_deletion(
    repositories: Repositories, kind: Kind
) -> None:
    await kind.add(repositories, kind.record)

    assert await kind.replace(repositories, kind.successor, 1)

    assert not await kind.replace(repositories, kind.record, 1)
    assert not await kind.replace(repositories, kind.record, 3)
    if kind.delete:
        assert not await kind.delete(repositories, 1)
    assert await kind.load(repositories, kind.record) == Versioned(kind.successor, 2)
    assert await kind.replace(repositories, kind.record, 2)
    assert await kind.load(repositories, kind.record) == Versioned(kind.record, 3)


async def test_a_missing_record_is_neither_replaced_nor_deleted(
    repositories: Repositories, kind: Kind
) -> None:
    assert not await kind.replace(repositories, kind.record, 1)
    if kind.delete:
        assert not await kind.delete(repositories, 1)
    assert await kind.load(repositories, kind.record) is None


async def test_one_of_fifty_parallel_additions_wins(
    repositories: Repositories, other_repositories: Repositories, kind: Kind
) -> None:
    instances = (repositories, other_repositories) * 25

    won = await asyncio.gather(*map(kind.add, instances, kind.others))

    assert won.count(True) == 1
    winner = Versioned(kind.others[won.index(True)], 1)
    assert await kind.load(repositories, kind.record) == winner


async def test_one_of_fifty_parallel_replacements_wins(
    repositories: Repositories, other_repositories: Repositories, kind: Kind
) -> None:
    await kind.add(repositories, kind.record)
    instances = (repositories, other_repositories) * 25

    won = await asyncio.gather(*map(kind.replace, instances, kind.others, [1] * 50))

    assert won.count(True) == 1
    winner = Versioned(kind.others[won.index(True)], 2)
    assert await kind.load(repositories, kind.record) == winner
    assert await kind.load(other_repositories, kind.record) == winner


@pytest.mark.parametrize("kind", DELETABLE, indirect=True, ids=lambda kind: kind.name)
async def test_one_of_forty_parallel_replacements_and_deletions_wins(
    repositories: Repositories, other_repositories: Repositories, kind: Kind
) -> None:
    assert kind.delete
    await kind.add(repositories, kind.record)

    won = await asyncio.gather(
        *(kind.replace(repositories, kind.successor, 1) for _ in range(20)),
        *(kind.delete(other_repositories, 1) for _ in range(20)),
    )

    assert won.count(True) == 1
    was_deleted = won.index(True) >= 20
    assert (await kind.load(repositories, kind.record) is None) is was_deleted


async def test_a_saved_record_survives_a_restart(
    open_repositories: OpenRepositories, kind: Kind
) -> None:
    async with open_repositories() as repositories:
        await kind.add(repositories, kind.record)
        await kind.replace(repositories, kind.successor, 1)

    async with open_repositories() as repositories:
        assert await kind.load(repositories, kind.record) == Versioned(kind.successor, 2)
