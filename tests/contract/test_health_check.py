import asyncio

import pytest

from application.ports.errors import StorageError
from application.ports.repositories import Repositories
from tests.support.builders import an_id, an_identity


async def test_the_health_check_of_a_working_database_succeeds(repositories: Repositories) -> None:
    await repositories.health.check()


async def test_the_health_check_of_an_unusable_database_raises_a_storage_error(
    unusable_repositories: Repositories,
) -> None:
    with pytest.raises(StorageError):
        await unusable_repositories.health.check()


async def test_parallel_health_checks_and_writes_succeed(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    await asyncio.gather(
        *(repositories.health.check() for _ in range(20)),
        *(other_repositories.health.check() for _ in range(20)),
        *(repositories.identities.add(an_identity(id=an_id(number))) for number in range(20)),
    )

    assert await repositories.identities.load(an_id(19)) is not None
