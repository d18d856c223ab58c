"""Disk, memory and speed by the number of users. `docs/sizing.md` has the results."""

import sqlite3
import time
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg

from adapters.databases.records.kinds import PHONE_VERIFICATIONS
from tests.benchmarks.databases import Databases
from tests.benchmarks.speed.processes import Service, list_processes, memory_mb
from tests.benchmarks.speed.scenarios import Scenario, SignIns, read_with_tokens

USERS: Final = (100_000, 5_000_000)
SENDERS: Final = 20_000
LIBRARIES: Final = 1
SECONDS: Final = 5
COPIED_AT_ONCE: Final = 250_000
MB: Final = 1_000_000
# All have the verification of a user who has signed in, each under another key.
_COPY: Final = """
    INSERT INTO phone_verifications (id, {columns}) SELECT {key}, {columns}
    FROM {numbers}, (SELECT * FROM phone_verifications ORDER BY {length} DESC LIMIT 1) AS one
"""
_COLUMNS: Final = ", ".join(["version", *PHONE_VERIFICATIONS.indexed_fields, "body"])
_COPY_IN_SQLITE: Final = _COPY.format(
    columns=_COLUMNS,
    key="lower(hex(randomblob(length(id) / 2)))",
    numbers="""(WITH RECURSIVE numbers(number) AS
        (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?) SELECT * FROM numbers)
    """,
    length="length(body)",
)
_COPY_IN_POSTGRES: Final = _COPY.format(
    columns=_COLUMNS,
    key="left(md5(number::text) || md5(number::text || 'x'), length(id))",
    numbers="generate_series(1, %s) AS number",
    length="length(body::text)",
)


def measure_sizing(folder: Path, technologies: Collection[str]) -> None:
    """Print what so many users take, each with two sessions and a phone that signed in."""
    for name in technologies:
        for users in USERS if name != "MongoDB" else ():
            with Databases(folder) as databases:
                settings = {"DIALTONE_DATABASE": databases.create(name)}
                _measure(Service(f"{name}, {users:,} users", folder, settings), users)


def _measure(service: Service, users: int) -> None:
    started_at, url = time.monotonic(), service.database_url
    tokens = service.seed(users, SENDERS, LIBRARIES)
    print(f"{service.name}: {_megabytes(url):,.0f} MB without verifications of phones")
    with service:
        SignIns(service, "sign-in").warm_up()
    _copy_verifications(url, users)
    print(f"  {_megabytes(url):,.0f} MB with them, after {time.monotonic() - started_at:,.0f} s")
    launched_at = time.monotonic()
    with service:
        print(f"  ready after {time.monotonic() - launched_at:.1f} s")
        me = Scenario(service, "me", read_with_tokens("/users/me", tokens["long"]))
        for scenario in (me, SignIns(service, "sign-in")):
            scenario.warm_up()
            scenario.seconds = SECONDS
            sample = scenario.measure()
            print(
                f"  {scenario.name}: {sample.rate:,.0f} a second, {sample.cpu_us:,.0f} µs, "
                f"median {sample.p50_ms:.1f} ms, p99 {sample.p99_ms:.1f} ms, {sample.errors} errors"
            )
        memory = [memory_mb(pid) for pid in list_processes(service.pid)]
        print(f"  memory of all processes of the service: {sum(memory):.0f} MB")


def _copy_verifications(url: str, users: int) -> None:
    if url.startswith("postgresql:"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_COPY_IN_POSTGRES, (users,))
            connection.execute("VACUUM ANALYZE phone_verifications")
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        # The keys are in no order, so each record is in another page.
        connection.execute("PRAGMA cache_size = -2000000")
        for start in range(0, users, COPIED_AT_ONCE):
            connection.execute(_COPY_IN_SQLITE, (min(COPIED_AT_ONCE, users - start),))
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _megabytes(url: str) -> float:
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*")) / MB
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0]) / MB
