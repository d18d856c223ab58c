"""Reports expire, on all databases; see `test_records` for the rest."""

from datetime import timedelta

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.otp.delivery_report import REPORT_TTL, ReportedStatus
from tests.support.builders import NOW, a_delivery_report

MILLISECOND = timedelta(milliseconds=1)
REPORT = a_delivery_report()


async def test_each_status_is_stored(repositories: Repositories) -> None:
    reports = [a_delivery_report(id=status.value, status=status) for status in ReportedStatus]

    for report in reports:
        assert await repositories.delivery_reports.add(report)
        assert await repositories.delivery_reports.load(report.id) == Versioned(report, 1)


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
