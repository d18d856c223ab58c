"""What was counted is written, and reported from what was written."""

from collections import Counter
from datetime import timedelta
from typing import Final

import pytest

from application.administration.operator import Operator, operating_system_user
from application.features.statistics import feature
from application.features.statistics.feature import StatisticsFeature
from application.ports.errors import StorageError
from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.errors import InsufficientScope, TooManyOtpRequests
from domain.features.statistics import (
    DAY,
    HOUR,
    Dimension,
    GroupRow,
    Result,
    Statistics,
    StatisticsQuery,
    query_days,
    query_hours,
)
from domain.otp.delivery import Channel
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.counted_events import accepted

OPERATOR: Final = operating_system_user("alice")
ONE_HOUR: Final = timedelta(hours=1)
TOKEN: Final = Actor(ActorKind.SERVICE_TOKEN, "dashboard")


@pytest.fixture
def app() -> AppHarness:
    return AppHarness()


def feature_of(app: AppHarness) -> StatisticsFeature:
    return app.use_cases.of(StatisticsFeature)


def a_day(app: AppHarness, *by: Dimension) -> StatisticsQuery:
    return query_hours(app.clock.now(), 24, by or [Dimension.COUNTRY])


async def report(app: AppHarness, query: StatisticsQuery | None = None) -> Statistics:
    return await feature_of(app).report(OPERATOR, query or a_day(app))


async def test_a_sign_in_is_a_message_and_a_login_of_its_country(app: AppHarness) -> None:
    await app.log_in()
    assert (await report(app)).rows == []
    await feature_of(app).write()

    counts = Counter({Result.SENT: 1, Result.LOGINS: 1})
    days = query_days(app.clock.now(), None, None, [Dimension.CHANNEL])
    assert (await report(app)).rows == [GroupRow((a_phone().country,), counts)]
    assert (await report(app, days)).rows == [GroupRow(("sms",), counts)]


async def test_a_login_by_a_call_is_one_of_the_provider_that_called() -> None:
    app = AppHarness(policy=make_policy(webhook_urls=WEBHOOK_URLS, provider="the line"))
    await app.request_otp(channel=Channel.VOICE)
    await app.verify_otp(await app.code_of_last_call())
    await feature_of(app).write()
    by_provider = await report(app, a_day(app, Dimension.PROVIDER))
    assert by_provider.rows == [
        GroupRow(("the line",), Counter({Result.SENT: 1, Result.LOGINS: 1}))
    ]


async def test_a_request_that_a_limit_rejects_is_counted_by_the_limit(app: AppHarness) -> None:
    rejected = 0
    while rejected < 2:
        try:
            await app.request_otp()
        except TooManyOtpRequests:
            rejected += 1
    await feature_of(app).write()
    assert (await report(app)).rejections == {"cooldown": 2}


async def test_a_repeated_write_adds_nothing_and_many_records_are_read_in_batches(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature, "BATCH_SIZE", 2)
    for number in range(1, 6):
        app.listeners.record(accepted())
        for _ in range(2):
            await feature_of(app).write()
        assert (await report(app)).total[Result.SENT] == number
        app.clock.advance(ONE_HOUR)


@pytest.mark.parametrize(
    ("table", "is_lost"), [("statistics_hours", False), ("statistics_days", True)]
)
async def test_what_could_not_be_written_is_in_the_next_write(
    app: AppHarness, table: str, is_lost: bool
) -> None:
    await app.log_in()
    app.faults.fail_on(f"{table}.add", is_done=is_lost)
    with pytest.raises(StorageError):
        await feature_of(app).write()
    await feature_of(app).write()
    days = query_days(app.clock.now(), None, None, [Dimension.COUNTRY])
    assert (await report(app)).total[Result.LOGINS] == 1
    assert (await report(app, days)).total[Result.LOGINS] == 1


async def test_statistics_need_their_scope(app: AppHarness) -> None:
    operator = Operator(TOKEN, frozenset(Scope) - {Scope.READ_STATISTICS})
    with pytest.raises(InsufficientScope):
        await feature_of(app).report(operator, a_day(app))


async def test_hours_are_kept_for_eight_days_and_days_for_400(app: AppHarness) -> None:
    await app.log_in()
    await feature_of(app).write()
    now = app.clock.now()
    for period in (HOUR, DAY):
        step, millisecond = f"expired_statistics_{period.name}s", timedelta(milliseconds=1)
        end = period.start_of(now) + period.retention
        app.clock.advance(end - app.clock.now() - millisecond)
        assert (await app.operations.cleanup())[step] == 0
        app.clock.advance(millisecond)
        assert (await app.operations.cleanup())[step] == 1
