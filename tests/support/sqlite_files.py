"""A file of SQLite that no service has open."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.builders import an_id, an_identity
from tests.support.repositories import open_sqlite_repositories


def add_identity(path: Path, number: int) -> None:
    async def use() -> None:
        async with open_sqlite_repositories(path) as repositories:
            assert await repositories.identities.add(an_identity(id=an_id(number), phone=None))

    asyncio.run(use())


def query(path: Path, sql: str) -> Any:
    """Return the first value of a row in this file only: a log beside it is not read."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        return connection.execute(sql).fetchone()[0]


def count_identities(path: Path) -> Any:
    return query(path, "SELECT count(*) FROM identities")
