"""Cached identities are those of the file, whoever changes them."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from adapters.sqlite import open_sqlite_repositories
from application.ports.identities import Identities
from tests.support.builders import an_id, an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption

IDENTITY: Final = an_identity()
OTHER: Final = replace(IDENTITY, id=an_id(2), user=None)
MAX_CHANGES: Final = 1_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dialtone.db"


@pytest.fixture
async def processes(path: Path) -> AsyncIterator[list[Identities]]:
    """Open the file twice, as two workers do."""
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_sqlite_repositories(path, FakePhoneEncryption()))
            for _ in range(2)
        ]
        for identity in (IDENTITY, OTHER):
            assert await opened[0].identities.add(identity)
        yield [repositories.identities for repositories in opened]


async def test_an_identity_that_did_not_change_is_decoded_once(processes: list[Identities]) -> None:
    first = await processes[0].load(IDENTITY.id)
    assert await processes[0].load(IDENTITY.id) is first


async def test_a_change_by_another_process_is_seen_at_once(processes: list[Identities]) -> None:
    for _ in range(3):
        for reader, writer in (processes, processes[::-1]):
            loaded = await reader.load(IDENTITY.id)
            assert loaded is not None
            assert await writer.replace(loaded.value, loaded.version)
            changed = await reader.load(IDENTITY.id)
            assert changed is not None
            assert changed.version == loaded.version + 1


async def test_changes_that_are_not_listed_any_more_are_seen(
    processes: list[Identities], path: Path
) -> None:
    loaded = await processes[0].load(IDENTITY.id)
    assert loaded is not None
    with closing(sqlite3.connect(path)) as connection, connection:
        for identity in (IDENTITY, *[OTHER] * MAX_CHANGES):
            connection.execute(
                "UPDATE identities SET version = version + 1 WHERE id = ?", (identity.id,)
            )
        [(count,)] = connection.execute("SELECT count(*) FROM identity_changes")

    changed = await processes[0].load(IDENTITY.id)
    assert changed is not None
    assert changed.version == loaded.version + 1
    assert count == MAX_CHANGES


@pytest.mark.parametrize(
    "statement", ["DELETE FROM identities", "DELETE FROM identities; DELETE FROM identity_changes"]
)
async def test_an_identity_that_an_operator_deletes_is_gone(
    processes: list[Identities], path: Path, statement: str
) -> None:
    assert await processes[0].load(IDENTITY.id)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)

    assert await processes[0].load(IDENTITY.id) is None


async def test_an_identity_that_changes_while_it_is_loaded_is_not_cached(
    processes: list[Identities],
) -> None:
    loaded = await processes[0].load(IDENTITY.id)
    assert loaded is not None
    cache = processes[0].cache  # type: ignore[attr-defined]  # the port has none
    as_of = cache.change_number
    assert await processes[1].replace(loaded.value, loaded.version)
    assert cache.find(IDENTITY.id) is None
    cache.add(loaded, as_of)

    changed = await processes[0].load(IDENTITY.id)
    assert changed is not None
    assert changed.version == loaded.version + 1
