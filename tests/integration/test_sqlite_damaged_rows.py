"""A damaged row concerns only those who want it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_repositories
from application.ports.errors import CorruptRecord
from tests.support.builders import a_delivery_report
from tests.support.fakes.phone_encryption import FakePhoneEncryption


@pytest.mark.parametrize("body", [b"{", b'{"\xff"}'], ids=["no JSON", "no text"])
async def test_rows_that_are_loaded_with_a_damaged_one_are_returned(
    tmp_path: Path, body: bytes
) -> None:
    path = tmp_path / "dialtone.db"
    async with open_sqlite_repositories(path, FakePhoneEncryption()) as repositories:
        reports = repositories.delivery_reports
        for report_id in ("damaged", "whole"):
            await reports.add(a_delivery_report(id=report_id))
        with closing(sqlite3.connect(path)) as connection:
            statement = "UPDATE delivery_reports SET body = CAST(? AS TEXT) WHERE id = 'damaged'"
            connection.execute(statement, (body,))
            connection.commit()

        damaged, whole, missing = await asyncio.gather(
            *map(reports.load, ("damaged", "whole", "missing")), return_exceptions=True
        )

    assert isinstance(damaged, CorruptRecord)
    assert whole is not None
    assert not isinstance(whole, BaseException)
    assert missing is None
