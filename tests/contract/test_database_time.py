"""The time of a database that other machines may use, by its own clock."""

from datetime import timedelta

from adapters.databases.records.database import Database
from adapters.operations.system import SystemClock


async def test_a_database_elsewhere_says_what_time_it_is(database: Database) -> None:
    kind = type(database.limits).__name__
    assert (database.read_time is not None) == kind.startswith(("Mongo", "Postgres"))
    if database.read_time is not None:
        assert abs(SystemClock().now() - await database.read_time()) < timedelta(minutes=1)
