from adapters.databases.records.database import Database
from application.ports.errors import StorageError
from tests.contract.suites.outcomes import expect_errors
from tests.contract.suites.promises import not_promised


async def test_the_health_check_of_a_working_database_succeeds(database: Database) -> None:
    await database.health.check()


async def test_the_health_check_of_an_unusable_database_raises_a_storage_error(
    unusable_database: Database,
) -> None:
    health = unusable_database.health
    if not getattr(health, "has_health_check", True):
        not_promised("it has no check()")

    await expect_errors({"check": health.check()}, StorageError, seconds=15)
