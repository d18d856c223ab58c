"""The batches of reads of each repository."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from adapters.records.batch_loader import MAX_BATCH_SIZE
from adapters.records.repositories import make_repositories
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.otp.delivery_report import DeliveryReport, ReportedStatus
from domain.otp.phone_verification import PhoneVerification
from tests.integration.mongo_support import CommandLog, open_logged
from tests.support.builders import (
    NOW,
    a_deleted_identity,
    a_phone,
    an_id,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption

Opened = tuple[Repositories, CommandLog]
Load = Callable[[Repositories, int], Awaitable[object]]
MANY = 5 * MAX_BATCH_SIZE

LOADS: dict[str, Load] = {
    "identities": lambda db, number: db.identities.load(an_id(number)),
    "phone_verifications": lambda db, number: db.phone_verifications.load(a_phone(number)),
    "delivery_reports": lambda db, number: db.delivery_reports.load(an_id(number)),
}


@pytest.fixture
async def opened(emptied_mongo_database: str) -> AsyncIterator[Opened]:
    async with open_logged(emptied_mongo_database) as (database, log):
        yield make_repositories(database, FakePhoneEncryption()), log


def a_report(number: int) -> DeliveryReport:
    return DeliveryReport(an_id(number), ReportedStatus.SENT, NOW)


async def add(repositories: Repositories, numbers: Sequence[int]) -> None:
    """Add a record of each kind for each number."""
    await asyncio.gather(
        *(repositories.identities.add(a_deleted_identity(id=an_id(number))) for number in numbers),
        *(repositories.delivery_reports.add(a_report(number)) for number in numbers),
        *(
            repositories.phone_verifications.save(
                a_phone(number), PhoneVerification(identity_id=an_id(number)), 0
            )
            for number in numbers
        ),
    )


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS.keys())
async def test_many_concurrent_reads_are_a_few_commands_with_the_record_of_each_key(
    opened: Opened, load: Load
) -> None:
    repositories, log = opened
    await add(repositories, range(0, 40, 2))
    expected = [await load(repositories, number) for number in range(40)]
    log.sent.clear()

    results = await asyncio.gather(*(load(repositories, number) for number in range(MANY)))

    assert log.names == ["find"] * (MANY // MAX_BATCH_SIZE)
    assert results[:40] == expected
    assert results[0] != results[1]


async def test_a_key_that_cannot_be_stored_is_not_found_and_fails_no_batch(
    opened: Opened,
) -> None:
    repositories, _ = opened
    await add(repositories, [1])

    found, *missing, deleted = await asyncio.gather(
        repositories.delivery_reports.load(an_id(1)),
        repositories.delivery_reports.load("\ud800"),
        repositories.delivery_reports.load("\x00"),
        repositories.identities.find_deleted([an_id(1), "\udfff"]),
    )

    assert isinstance(found, Versioned)
    assert found.value == a_report(1)
    assert missing == [None, None]
    assert deleted == {an_id(1)}
