"""What the tests of the PostgreSQL adapter share."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import psycopg
import pytest

from tests.contract.postgres_database import contract_postgres_url, in_postgres
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_postgres_repositories

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
_SET_METADATA: Final = """
UPDATE database_metadata SET key_fingerprint = %s, copy_mark = NULL
"""


def lose_long_body(url: str, table: str, row_id: str) -> None:
    """Give a row a long body, and lose the pages of long bodies, as a damaged disk may do.

    PostgreSQL cannot read this row any more, and all others.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        padding = "jsonb_build_object('padding', repeat('x', 10000))"
        connection.execute(f"ALTER TABLE {table} ALTER body SET STORAGE EXTERNAL")
        connection.execute(f"UPDATE {table} SET body = body || {padding} WHERE id = %s", [row_id])  # noqa: S608
        connection.execute("CREATE TABLE IF NOT EXISTS no_bodies (body text)")
        connection.execute(
            """
            UPDATE pg_class SET relfilenode = (
                SELECT pages.relfilenode FROM pg_class AS empty
                JOIN pg_class AS pages ON pages.oid = empty.reltoastrelid
                WHERE empty.relname = 'no_bodies'
            )
            WHERE oid = (SELECT reltoastrelid FROM pg_class WHERE oid = %s::regclass)
            """,
            [table],
        )


def break_text(url: str, table: str, row_id: str) -> None:
    """Store a text in the body of a row that is no UTF-8, as a damaged disk may do."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS texts AS SELECT '\\xff'::bytea AS text")
        connection.execute("""
            UPDATE pg_attribute SET atttypid = 'text'::regtype
            WHERE attrelid = 'texts'::regclass AND attname = 'text'
        """)
        broken = "jsonb_build_object('note', (SELECT text FROM texts))"
        connection.execute(f"UPDATE {table} SET body = body || {broken} WHERE id = %s", [row_id])  # noqa: S608


@contextmanager
def emptied_database(
    request: pytest.FixtureRequest, key_fingerprint: str = KEY_FINGERPRINT
) -> Iterator[str]:
    """Yield the URL of the database of this test run, emptied and as one of these keys.

    To create one takes longer. It may be open elsewhere, as one of the keys of the fakes.
    """
    in_postgres(request)
    url = contract_postgres_url(request)
    with psycopg.connect(url, autocommit=True) as connection:
        [(has_tables,)] = connection.execute("SELECT to_regclass('database_metadata') IS NOT NULL")
        if not has_tables:
            # In a thread: the event loop of the test may be running here.
            with ThreadPoolExecutor() as threads:
                threads.submit(asyncio.run, _create_tables(url)).result()
        connection.execute(_SET_METADATA, [key_fingerprint])
        try:
            yield url
        finally:
            connection.execute(_SET_METADATA, [KEY_FINGERPRINT])


async def _create_tables(url: str) -> None:
    async with open_postgres_repositories(url):
        pass
