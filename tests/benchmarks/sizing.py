"""Disk, memory and speed by the number of users. `docs/sizing.md` has the results."""

import sqlite3
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg

from tests.benchmarks.databases import open_databases
from tests.benchmarks.speed.processes import list_processes, memory_mb
from tests.benchmarks.speed.sides import Service, seed_service

USERS: Final = (100_000, 5_000_000)
NAMES: Final = {"SQLite", "PostgreSQL"}
SENDERS: Final = 20_000
LIBRARIES: Final = 1
SECONDS: Final = 5
COPIED_AT_ONCE: Final = 250_000
MB: Final = 1_000_000
PRIMARY_MS: Final = {
    "`GET /users/me`": 0.073,
    "a page of pictures": 1.077,
    "a sign-in": 2.373,
    "an upload": 1.7,
}
"""Processor time of MongoDB for one, as docs/sizing.md has it, with all reads at the primary.

That of an upload is calculated: it writes 4 documents, at 0.2 ms as those of a sign-in, which
writes 12, and reads 9, at 0.1 ms.
"""
PRIMARY_CORES: Final = 32
RESERVE: Final = 2
CAMPAIGN: Final = 2_000
"""Sign-ins a second."""
# All have the verification of a user who has signed in, each under another key.
_COPY_IN_SQLITE: Final = """
    WITH RECURSIVE numbers(number) AS
        (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)
    INSERT INTO phone_verifications ({columns})
    SELECT lower(hex(randomblob(length(id) / 2))), {others} FROM numbers,
        (SELECT * FROM phone_verifications WHERE length(body) =
            (SELECT max(length(body)) FROM phone_verifications) LIMIT 1)
"""
_COPY_IN_POSTGRES: Final = """
    INSERT INTO phone_verifications ({columns})
    SELECT left(md5(number::text) || md5(number::text || 'x'), length(id)), {others}
    FROM generate_series(1, %s) AS number, (SELECT * FROM phone_verifications
        ORDER BY length(body::text) DESC LIMIT 1) AS one
"""


def measure_sizing(folder: Path, names: Collection[str]) -> None:
    """Print what so many users take, each with two sessions and a phone that signed in."""
    print("\n".join(describe_primary()))
    with open_databases(folder, {*names} & NAMES) as databases:
        for name, create in databases.items():
            for users in USERS:
                with create() as url:
                    _measure(name, folder / f"{name}-{users}", url, users)


def busiest_hour(users: float) -> list[float]:
    """Return how many of each kind of request come in a second, as in the example of the page."""
    share = 0.2 / 3600  # of a day
    visits = users / 3 * share
    return [10 * visits, 10 * visits, users / 30 * share, visits]


def cores_of(rates: Sequence[float]) -> list[float]:
    """Return the cores of the primary that each kind of request takes."""
    return [rate * ms / 1000 for rate, ms in zip(rates, PRIMARY_MS.values(), strict=True)]


def max_users() -> float:
    """Return the users for which a primary is enough, with its reserve."""
    return PRIMARY_CORES / RESERVE / sum(cores_of(busiest_hour(1)))


def describe_primary() -> list[str]:
    """Return the table of docs/sizing.md about one primary of MongoDB."""
    me, page, _, upload = busiest_hour(100e6)
    columns = [
        cores_of(busiest_hour(5e6)),
        cores_of(busiest_hour(35e6)),
        cores_of([me, page, CAMPAIGN, upload]),
    ]
    names = "5 million users", "35 million", f"100 million, {CAMPAIGN:,} sign-ins a second"
    rows: list[tuple[str, ...]] = [
        ("busiest hour, cores of the primary", "one takes", *names),
        ("---",) * 5,
    ]
    for row, (name, ms) in enumerate(PRIMARY_MS.items()):
        rows.append((name, f"{ms:.2g} ms", *(f"{column[row]:.1f}" for column in columns)))
    sums = [f"**{RESERVE * sum(column):.0f}**" for column in columns]
    rows.append((f"**all, with the factor {RESERVE}**", "", *sums))
    table = [f"| {' | '.join(row)} |" for row in rows]
    return [*table, f"{PRIMARY_CORES} cores: {max_users() / 1e6:.0f} million users"]


def _measure(name: str, folder: Path, url: str, users: int) -> None:
    started_at = time.monotonic()
    service = seed_service(name, folder, url, users=users, senders=SENDERS, libraries=LIBRARIES)
    print(f"{name}, {users:,} users: {_megabytes(url):,.0f} MB without verifications of phones")
    with service.process:
        service.sign_ins().warm_up()
    _copy_verifications(url, users)
    print(f"  {_megabytes(url):,.0f} MB with them, after {time.monotonic() - started_at:,.0f} s")
    launched_at = time.monotonic()
    with service.process:
        print(f"  ready after {time.monotonic() - launched_at:.1f} s")
        _print_speed(service)
        memory = [memory_mb(pid, "Pss") for pid in list_processes(service.process.pid)]
        print(f"  memory of all processes of the service: {sum(memory):.0f} MB")


def _print_speed(service: Service) -> None:
    for cell in (service.me(), service.sign_ins()):
        cell.warm_up()
        cell.seconds = SECONDS
        sample = cell.measure()
        print(
            f"  {sample.scenario}: {sample.rate:,.0f} a second, {sample.cpu_us:,.0f} µs, "
            f"median {sample.p50_ms:.1f} ms, p99 {sample.p99_ms:.1f} ms, {sample.errors} errors"
        )


def _copy_verifications(url: str, users: int) -> None:
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            # The keys are in no order, so each record is in another page.
            connection.execute("PRAGMA cache_size = -2000000")
            columns = [
                row[1] for row in connection.execute("PRAGMA table_info(phone_verifications)")
            ]
            for start in range(0, users, COPIED_AT_ONCE):
                count = min(COPIED_AT_ONCE, users - start)
                connection.execute(_fill(_COPY_IN_SQLITE, columns), (count,))
                connection.commit()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute("SELECT * FROM phone_verifications LIMIT 0")
        columns = [column.name for column in cursor.description or ()]
        connection.execute(_fill(_COPY_IN_POSTGRES, columns), (users,))
        connection.execute("VACUUM ANALYZE phone_verifications")


def _fill(statement: str, columns: list[str]) -> str:
    others = [column for column in columns if column != "id"]
    return statement.format(columns=", ".join(["id", *others]), others=", ".join(others))


def _megabytes(url: str) -> float:
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*")) / MB
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0]) / MB
