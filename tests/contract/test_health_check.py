import asyncio

from application.ports.repositories import Repositories
from tests.support.builders import an_id, an_identity


async def test_a_database_that_works_is_found_to_work(repositories: Repositories) -> None:
    await repositories.health.check()


async def test_many_may_look_at_once_and_nobody_is_in_the_way(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    await asyncio.gather(
        *(repositories.health.check() for _ in range(20)),
        *(other_repositories.health.check() for _ in range(20)),
        *(repositories.identities.add(an_identity(id=an_id(number))) for number in range(20)),
    )

    assert await repositories.identities.load(an_id(19)) is not None
