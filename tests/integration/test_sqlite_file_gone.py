"""A database file that is taken away while it is open."""

from pathlib import Path

import pytest

from adapters.sqlite import open_sqlite_records
from application.ports.errors import StorageUnavailable
from tests.support.builders import a_phone, a_phone_record
from tests.support.fakes.seal import FakeSeal


async def test_no_write_is_acknowledged_that_nobody_could_read_again(tmp_path: Path) -> None:
    path = tmp_path / "dialtone.db"
    async with open_sqlite_records(path, FakeSeal()) as records:
        path.unlink()
        with pytest.raises(StorageUnavailable, match="moved or removed"):
            await records.phone_verifications.replace(a_phone(), a_phone_record(), 0)
        with pytest.raises(StorageUnavailable, match="moved or removed"):
            await records.phone_verifications.load(a_phone())
        with pytest.raises(StorageUnavailable, match="moved or removed"):
            await records.health.check()


async def test_another_file_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "dialtone.db"
    async with open_sqlite_records(path, FakeSeal()) as records:
        path.rename(tmp_path / "moved.db")
        path.write_bytes(b"")
        with pytest.raises(StorageUnavailable, match="moved or removed"):
            await records.phone_verifications.replace(a_phone(), a_phone_record(), 0)


async def test_a_file_that_is_put_back_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "dialtone.db"
    async with open_sqlite_records(path, FakeSeal()) as records:
        path.rename(tmp_path / "moved.db")
        with pytest.raises(StorageUnavailable):
            await records.phone_verifications.replace(a_phone(), a_phone_record(), 0)
        (tmp_path / "moved.db").rename(path)
        assert await records.phone_verifications.replace(a_phone(), a_phone_record(), 0)
