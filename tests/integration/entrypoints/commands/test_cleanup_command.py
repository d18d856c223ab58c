"""`dialtone cleanup` as an operator uses it."""

import asyncio
from pathlib import Path

from application.features.media.feature import MediaFeature
from domain.features.media.item import ItemState
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.media.feature import MEDIA
from tests.support.builders import NOW
from tests.support.commands import CommandLine
from tests.support.media.builders import an_item


def test_a_file_that_cannot_be_deleted_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    dialtone = CommandLine(tmp_path, {"DIALTONE_MEDIA": f"file://{tmp_path}/media"})
    item = an_item(state=ItemState.DELETION_REFUSED, deletion_requested_at=NOW)

    async def add_item() -> None:
        async with open_use_cases(dialtone.settings, [MEDIA]) as use_cases:
            items = use_cases.of(MediaFeature).retry_deletions.media_items
            assert await items.add(item)

    asyncio.run(add_item())
    # Root could delete a file in any folder, but no folder as if it were a file.
    in_the_way = tmp_path / "media" / item.storage_key
    in_the_way.mkdir(parents=True)
    refused = dialtone.run("cleanup")
    in_the_way.rmdir()
    done = dialtone.run("cleanup")

    assert refused.returncode == 1
    assert "refused deletions: 1" in refused.stdout
    assert "Some files could not be deleted" in refused.stderr
    assert done.returncode == 0
    assert "deleted items: 1" in done.stdout
