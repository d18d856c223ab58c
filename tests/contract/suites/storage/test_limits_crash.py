"""A permit that was acquired counts after its process was killed."""

from pathlib import Path

import pytest

from tests.contract.suites.external_adapter import open_external_database
from tests.contract.suites.storage.outages import A_LIMIT
from tests.contract.suites.storage.record_examples import NOW
from tests.contract.suites.storage.test_crash import acquire_permit, kill_after, skip_if_volatile


async def test_a_permit_counts_after_a_crash(tmp_path: Path) -> None:
    async with open_external_database(tmp_path) as database:
        skip_if_volatile(database.limits)
    await kill_after(tmp_path, acquire_permit)

    async with open_external_database(tmp_path) as database:
        if await database.limits.count_used([A_LIMIT], NOW) != [1]:
            pytest.fail(
                "The permit is missing: acquire returned before it was stored outside of the "
                "process",
                pytrace=False,
            )
