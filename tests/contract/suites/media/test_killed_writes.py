"""What a killed process leaves in a folder. Our own store has tests that look into it."""

import asyncio
from io import BytesIO
from pathlib import Path

from tests.contract.suites.media.media_store import (
    HOUR,
    JPEG,
    KEY,
    KILLED,
    NOW,
    OTHER_KEY,
    Store,
    read_file,
)
from tests.contract.suites.promises import not_promised


async def test_what_a_killed_write_leaves_in_a_folder_is_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    async with store.open_files() as files:
        await files.write(KEY, BytesIO(b"one"), JPEG)
        before = store.list_files()
        if not before or await asyncio.to_thread(store.kill_during_write, OTHER_KEY) != KILLED:
            not_promised("it moves no file in the folder DIALTONE_TEST_PLACE")

        left = store.list_files() - before
        assert await read_file(files, OTHER_KEY) is None
        assert await files.delete_unfinished(NOW - HOUR) == 0
        assert store.list_files() == before | left
        assert await files.delete_unfinished(NOW + HOUR) == len(left)
        assert store.list_files() == before
