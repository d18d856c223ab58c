"""What is counted of events."""

from contextlib import suppress

import pytest

from application.features.statistics.count_statistics import CountStatistics
from application.features.statistics.feature import StatisticsFeature
from application.ports.otp import DeliveryResult
from application.ports.security_events import SecurityEvent
from domain.errors import DeliveryFailed, PhoneUnreachable
from domain.features.statistics.period_sums import (
    DAY,
    HOUR,
    UNKNOWN,
    Counts,
    DeliveryGroup,
    GroupCounts,
    PeriodCounts,
    PeriodSums,
)
from domain.otp.delivery import Channel
from domain.phone import parse_phone
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id
from tests.support.counted_events import (
    PROVIDER,
    accepted,
    delivered,
    logged_in,
    rejected,
    unconfirmed,
    undelivered,
)
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import REJECTED
from tests.support.fakes.messenger import UNKNOWN as UNCLEAR


def make_count() -> CountStatistics:
    sums = [PeriodSums(period, "ab12") for period in (HOUR, DAY)]
    return CountStatistics(sums=sums, clock=MovableClock())


def counted_by(count: CountStatistics) -> PeriodCounts:
    """Return what was counted in the hour, which is that of the day."""
    (hour,), (day,) = (sums.list_changed() for sums in count.sums)
    assert (hour.groups, hour.rejections) == (day.groups, day.rejections)
    return hour


@pytest.mark.parametrize(
    ("event", "group", "counts"),
    [
        (accepted(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(sent=1)),
        (unconfirmed(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(sent=1)),
        (
            accepted(
                phone=parse_phone("+919876543210"), channel=Channel.VOICE, provider="the line"
            ),
            DeliveryGroup("IN", Channel.VOICE, "the line"),
            Counts(sent=1),
        ),
        (
            delivered(country="", provider=""),
            DeliveryGroup(UNKNOWN, Channel.SMS, UNKNOWN),
            Counts(delivered=1),
        ),
        (undelivered(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(undelivered=1)),
        (logged_in(), DeliveryGroup("US", Channel.SMS, PROVIDER), Counts(logins=1)),
    ],
)
def test_each_event_of_a_message_is_counted(
    event: SecurityEvent, group: DeliveryGroup, counts: Counts
) -> None:
    count = make_count()
    count.record(event)
    assert counted_by(count).groups == (GroupCounts(group, counts),)


def test_rejections_are_counted_by_limit_and_other_events_not_at_all() -> None:
    count = make_count()
    for event in (rejected(), rejected(), rejected(limit="all_total"), rejected(limit="")):
        count.record(event)
    assert counted_by(count).rejections == {"per_ip": 2, "all_total": 1}


def test_nothing_of_a_person_is_counted() -> None:
    events = (logged_in(), rejected(reason="a reason"), delivered())
    count = make_count()
    for event in events:
        count.record(event)
    text = repr(counted_by(count))
    for private in (a_phone().masked, an_id(), "a reason", "0123456789abcdef", "SM1"):
        assert private in repr(events)
        assert private not in text
    assert a_phone().e164 not in text


@pytest.mark.parametrize(("result", "sent"), [(UNCLEAR, 1), (REJECTED, 0)])
async def test_a_message_counts_if_a_provider_took_it_or_may_have(
    result: DeliveryResult, sent: int
) -> None:
    app = AppHarness()
    app.messenger.result = result
    with suppress(DeliveryFailed, PhoneUnreachable):
        await app.request_otp()
    counted = app.use_cases.of(StatisticsFeature).count.sums[0].list_changed()
    assert sum(each.counts.sent for period in counted for each in period.groups) == sent


async def test_a_message_to_a_blocked_phone_does_not_count() -> None:
    app = AppHarness()
    await app.identities.operator_actions.block(a_phone())
    await app.request_otp()
    assert app.use_cases.of(StatisticsFeature).count.sums[0].list_changed() == []
