"""What is counted of events."""

from contextlib import suppress

import pytest

from application.features.statistics.feature import CountStatistics, StatisticsFeature
from application.ports.otp import DeliveryResult
from application.ports.security_events import RejectionEvent, SecurityEvent
from domain.errors import DeliveryFailed, PhoneUnreachable
from domain.features.statistics import (
    DAY,
    HOUR,
    NONE,
    UNKNOWN,
    CountedGroup,
    GroupCount,
    PeriodCounts,
    PeriodSums,
    Result,
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
    not_taken,
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
    assert hour.groups == day.groups
    return hour


@pytest.mark.parametrize(
    ("event", "group"),
    [
        (accepted(), CountedGroup("US", Channel.SMS, PROVIDER, Result.SENT)),
        (unconfirmed(), CountedGroup("US", Channel.SMS, PROVIDER, Result.SENT)),
        (
            accepted(
                phone=parse_phone("+919876543210"), channel=Channel.VOICE, provider="the line"
            ),
            CountedGroup("IN", Channel.VOICE, "the line", Result.SENT),
        ),
        (
            delivered(country="", provider=""),
            CountedGroup(UNKNOWN, Channel.SMS, UNKNOWN, Result.DELIVERED),
        ),
        (undelivered(), CountedGroup("US", Channel.SMS, PROVIDER, Result.UNDELIVERED)),
        (not_taken(), CountedGroup("US", Channel.SMS, PROVIDER, Result.NOT_TAKEN)),
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


def test_what_no_limit_rejected_is_no_rejection() -> None:
    count = make_count()
    count.record(rejected(limit=""))
    assert [sums.list_changed() for sums in count.sums] == [[], []]


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


@pytest.mark.parametrize(
    ("result", "counted"), [(UNCLEAR, Result.SENT), (REJECTED, Result.NOT_TAKEN)]
)
async def test_a_message_is_sent_if_a_provider_took_it_or_may_have(
    result: DeliveryResult, counted: Result
) -> None:
    app = AppHarness()
    app.messenger.result = result
    with suppress(DeliveryFailed, PhoneUnreachable):
        await app.request_otp()
    (hour,) = app.use_cases.of(StatisticsFeature).count.sums[0].list_changed()
    assert [(each.group.result, each.count) for each in hour.groups] == [(counted, 1)]
