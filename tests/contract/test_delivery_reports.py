import asyncio
from datetime import timedelta

import pytest

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus
from tests.contract.conftest import OpenRepositories
from tests.support.builders import NOW, a_delivery_report

MILLISECOND = timedelta(milliseconds=1)
REPORT = a_delivery_report()
DELIVERED = REPORT.advance(ReportedStatus.DELIVERED)


@pytest.mark.parametrize(
    "report",
    [
        *(a_delivery_report(status=status) for status in ReportedStatus),
        a_delivery_report(error_code="30003", visible_at=NOW + MILLISECOND),
    ],
)
async def test_an_added_report_is_loaded_unchanged_at_version_1(
    repositories: Repositories, report: DeliveryReport
) -> None:
    assert await repositories.delivery_reports.load(report.id) is None

    assert await repositories.delivery_reports.add(report)

    assert await repositories.delivery_reports.load(report.id) == Versioned(report, 1)


async def test_a_report_is_added_once(repositories: Repositories) -> None:
    await repositories.delivery_reports.add(REPORT)

    assert not await repositories.delivery_reports.add(DELIVERED)
    assert await repositories.delivery_reports.load(REPORT.id) == Versioned(REPORT, 1)


async def test_a_version_allows_one_replacement(repositories: Repositories) -> None:
    await repositories.delivery_reports.add(REPORT)

    assert await repositories.delivery_reports.replace(DELIVERED, 1)
    assert not await repositories.delivery_reports.replace(REPORT, 1)
    assert await repositories.delivery_reports.load(REPORT.id) == Versioned(DELIVERED, 2)


async def test_a_missing_report_is_not_replaced(repositories: Repositories) -> None:
    assert not await repositories.delivery_reports.replace(REPORT, 1)
    assert await repositories.delivery_reports.load(REPORT.id) is None


async def test_one_of_forty_parallel_additions_and_replacements_wins(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    added = await asyncio.gather(
        *(
            (repositories, other_repositories)[number % 2].delivery_reports.add(REPORT)
            for number in range(20)
        )
    )
    replaced = await asyncio.gather(
        *(
            (repositories, other_repositories)[number % 2].delivery_reports.replace(DELIVERED, 1)
            for number in range(20)
        )
    )

    assert (added.count(True), replaced.count(True)) == (1, 1)
    assert await repositories.delivery_reports.load(REPORT.id) == Versioned(DELIVERED, 2)


async def test_a_report_is_deleted_when_it_expires_and_not_before(
    repositories: Repositories,
) -> None:
    await repositories.delivery_reports.add(REPORT)
    await repositories.delivery_reports.add(
        a_delivery_report(id="another", expires_at=NOW + REPORT_TTL + MILLISECOND)
    )

    deleted = [
        await repositories.delivery_reports.delete_expired(time, 9)
        for time in (NOW + REPORT_TTL - MILLISECOND, NOW + REPORT_TTL)
    ]

    assert deleted == [0, 1]
    assert await repositories.delivery_reports.load(REPORT.id) is None
    assert await repositories.delivery_reports.load("another") is not None


async def test_no_more_than_the_limit_are_deleted(repositories: Repositories) -> None:
    for number in range(5):
        await repositories.delivery_reports.add(a_delivery_report(id=str(number)))

    deleted = [
        await repositories.delivery_reports.delete_expired(NOW + REPORT_TTL, 2) for _ in range(4)
    ]

    assert deleted == [2, 2, 1, 0]


async def test_a_saved_report_survives_a_restart(open_repositories: OpenRepositories) -> None:
    async with open_repositories() as repositories:
        await repositories.delivery_reports.add(REPORT)

    async with open_repositories() as repositories:
        assert await repositories.delivery_reports.load(REPORT.id) == Versioned(REPORT, 1)
