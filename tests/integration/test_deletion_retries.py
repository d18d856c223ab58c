"""The background task that retries deletions which the media store refused."""

import asyncio
from datetime import timedelta
from typing import Final

import pytest

from entrypoints.features.media.feature import retry_deletions
from tests.support.app_harness import AppHarness
from tests.support.captured_lines import captured_lines
from tests.support.waiting import wait_until

INTERVAL: Final = timedelta(seconds=0.2)


async def test_refused_deletions_are_retried_although_the_database_failed_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("entrypoints.features.media.feature._RETRY_INTERVAL", INTERVAL)
    app = AppHarness()
    owner = await app.add_user()
    item = (await app.upload_image(owner)).item
    app.files.is_unavailable = True
    await app.media.delete_item(owner, item.id)
    app.files.is_unavailable, app.database.is_unavailable = False, True
    tasks = asyncio.all_tasks()
    with captured_lines() as logs:
        async with retry_deletions(app.media.retry_deletions, None):
            await wait_until(lambda: bool(logs))
            app.database.is_unavailable = False
            await wait_until(lambda: not app.files.contents)

    assert (logs[0]["event"], logs[0]["log_level"]) == ("file_deletion_retry_failed", "warning")
    assert logs[0]["reason"]
    assert asyncio.all_tasks() == tasks
