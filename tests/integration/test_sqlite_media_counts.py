"""Items are counted again after each change, whoever makes it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_repositories
from application.ports.repositories import Repositories
from domain.media.page import ItemFilter
from tests.support.builders import NOW, an_id, an_item
from tests.support.fakes.phone_encryption import FakePhoneEncryption

ANY = ItemFilter()
LIMIT = 10_001


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[list[Repositories]]:
    """Open the file twice, as two workers do, with one item."""
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(
                open_sqlite_repositories(tmp_path / "dialtone.db", FakePhoneEncryption())
            )
            for _ in range(2)
        ]
        await opened[0].media_items.add(an_item())
        yield opened


async def count(repositories: Repositories, item_filter: ItemFilter = ANY) -> int:
    return await repositories.media_pages.count(item_filter, LIMIT)


async def test_changes_by_another_process_are_counted_at_once(
    processes: list[Repositories],
) -> None:
    reader, writer = processes
    assert await count(reader) == 1
    item = an_item(id=an_id(2), storage_key="another")

    await writer.media_items.add(item)
    assert await count(reader) == 2

    assert await writer.media_items.replace(item.mark_for_deletion(NOW), 1)
    assert await count(reader) == 1

    assert await writer.media_items.delete(item.id, 2)
    assert await writer.media_items.delete(an_item().id, 1)
    assert await count(reader) == 0


async def test_each_filter_and_limit_has_its_own_count(processes: list[Repositories]) -> None:
    reader, writer = processes
    await writer.media_items.add(an_item(id=an_id(2), storage_key="another", category="wheels"))

    for _ in range(2):
        assert await count(reader) == 2
        assert await count(reader, ItemFilter(category="wheels")) == 1
        assert await reader.media_pages.count(ANY, 1) == 1
