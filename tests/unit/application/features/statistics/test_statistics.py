"""What is counted of events, written, and reported from what was written."""

from datetime import timedelta

import pytest

from application.features import statistics as feature
from application.features.statistics import CountStatistics, StatisticsUseCases
from application.ports.errors import StorageError
from application.ports.security_events import RejectionEvent, SecurityEvent
from domain.administration.scopes import Scope
from domain.errors import InsufficientScope
from domain.features.statistics import (
    DAY,
    HOUR,
    NONE,
    UNKNOWN,
    CountedGroup,
    Dimension,
    GroupCount,
    PeriodCounts,
    PeriodSums,
    Result,
    Statistics,
    StatisticsQuery,
    limit_groups,
    limit_prefixes,
    query_days,
    query_hours,
)
from domain.otp.delivery import Channel
from entrypoints.features.statistics import STATISTICS
from tests.support.acts import BY_COMMAND, a_token
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id
from tests.support.counted_events import (
    PROVIDER,
    accepted,
    delivered,
    logged_in,
    not_taken,
    rejected,
    unconfirmed,
    undelivered,
    verified,
)
from tests.support.fakes.clock import MovableClock


def make_count() -> CountStatistics:
    sums = [PeriodSums(period, "ab12", limit_groups) for period in (HOUR, DAY)]
    prefixes = PeriodSums(HOUR, "ab12", limit_prefixes)
    return CountStatistics(sums=sums, prefixes=prefixes, clock=MovableClock())


def counted_by(count: CountStatistics) -> PeriodCounts[CountedGroup]:
    """Return what was counted in the hour, which is that of the day."""
    (hour,), (day,) = (sums.list_changed() for sums in count.sums)
    assert hour.groups == day.groups
    return hour


@pytest.mark.parametrize(
    ("event", "group"),
    [
        (accepted(), CountedGroup("US", Channel.SMS, PROVIDER, Result.SENT)),
        (unconfirmed(), CountedGroup("US", Channel.SMS, PROVIDER, Result.SENT)),
        (
            delivered(country="", provider=""),
            CountedGroup(UNKNOWN, Channel.SMS, UNKNOWN, Result.DELIVERED),
        ),
        (undelivered(), CountedGroup("US", Channel.SMS, PROVIDER, Result.UNDELIVERED)),
        (not_taken(), CountedGroup("US", Channel.SMS, PROVIDER, Result.NOT_TAKEN)),
        (verified(), CountedGroup("US", Channel.SMS, PROVIDER, Result.LOGINS)),
        (logged_in(), CountedGroup("US", Channel.SMS, PROVIDER, Result.LOGINS)),
        (rejected(), CountedGroup("US", Channel.SMS, NONE, Result.REJECTED, "per_ip")),
        (
            RejectionEvent(channel=Channel.VOICE, limit="inbound_total"),
            CountedGroup(UNKNOWN, Channel.VOICE, NONE, Result.REJECTED, "inbound_total"),
        ),
    ],
)
def test_each_event_of_a_message_login_or_rejection_is_counted(
    event: SecurityEvent, group: CountedGroup
) -> None:
    count = make_count()
    for _ in range(2):
        count.record(event)
    assert counted_by(count).groups == (GroupCount(group, 2),)


def test_nothing_of_a_person_is_counted() -> None:
    events = (logged_in(), rejected(reason="a reason"), delivered())
    count = make_count()
    for event in events:
        count.record(event)
    text = repr([counted_by(count), *count.prefixes.list_changed()])
    assert a_phone().prefix in text
    for private in (a_phone().masked, an_id(), "a reason", "0123456789abcdef", "SM1"):
        assert private in repr(events)
        assert private not in text
    assert a_phone().e164 not in text


def test_messages_and_logins_are_counted_by_prefix() -> None:
    count = make_count()
    for event in (accepted(), unconfirmed(), not_taken(), logged_in(), delivered(), rejected()):
        count.record(event)
    (counted,) = count.prefixes.list_changed()
    assert {(each.group.prefix, each.group.result, each.count) for each in counted.groups} == {
        ("+1415", Result.SENT, 2),
        ("+1415", Result.NOT_TAKEN, 1),
        ("+1415", Result.LOGINS, 1),
    }


def feature_of(app: AppHarness) -> StatisticsUseCases:
    return STATISTICS.of(app.use_cases)


def a_day(app: AppHarness, *by: Dimension) -> StatisticsQuery:
    return query_hours(app.clock.now(), 24, by or [Dimension.COUNTRY])


async def report(app: AppHarness, query: StatisticsQuery | None = None) -> Statistics:
    return await feature_of(app).report(BY_COMMAND, query or a_day(app))


async def test_a_repeated_write_adds_nothing_and_many_records_are_read_in_batches(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature, "BATCH_SIZE", 2)
    for number in range(1, 6):
        app.listeners.record(accepted())
        for _ in range(2):
            await feature_of(app).write()
        assert (await report(app)).total[Result.SENT] == number
        app.clock.advance(timedelta(hours=1))


@pytest.mark.parametrize(
    ("table", "is_lost"),
    [("statistics_hours", False), ("statistics_days", True), ("statistics_prefixes", True)],
)
async def test_what_could_not_be_written_is_in_the_next_write(
    app: AppHarness, table: str, is_lost: bool
) -> None:
    await app.log_in()
    app.faults.fail_on(f"{table}.add", is_done=is_lost)
    with pytest.raises(StorageError):
        await feature_of(app).write()
    await feature_of(app).write()
    days = query_days(app.clock.now(), None, None, [Dimension.CHANNEL])
    assert (await report(app)).total[Result.LOGINS] == 1
    assert (await report(app, days)).total[Result.LOGINS] == 1
    (other,) = (await report(app, a_day(app, Dimension.PREFIX))).rows
    assert other.counts[Result.LOGINS] == 1


async def test_statistics_need_their_scope(app: AppHarness) -> None:
    with pytest.raises(InsufficientScope):
        await feature_of(app).report(a_token(*set(Scope) - {Scope.READ_STATISTICS}), a_day(app))


async def test_hours_are_kept_for_eight_days_and_days_for_400(app: AppHarness) -> None:
    await app.log_in()
    await feature_of(app).write()
    now = app.clock.now()
    millisecond = timedelta(milliseconds=1)
    for kinds, period in ((("hours", "prefixes"), HOUR), (("days",), DAY)):
        end = period.start_of(now) + period.retention
        app.clock.advance(end - app.clock.now() - millisecond)
        for number in (0, 1):
            cleaned_up = await app.operations.cleanup()
            assert {cleaned_up[f"expired_statistics_{kind}"] for kind in kinds} == {number}
            app.clock.advance(millisecond)
