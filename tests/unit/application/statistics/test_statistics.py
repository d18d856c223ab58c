"""Security events are counted, written and reported."""

from dataclasses import fields
from typing import Any, Final

import pytest

from application.administration.caller import Caller, operating_system_user
from application.ports.errors import StorageError
from application.ports.security_events import SecurityEvent
from application.statistics import period_records
from application.statistics.count_events import CountEventsByHour
from application.statistics.feature import StatisticsFeature
from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.errors import InsufficientScope, TooManyOtpRequests
from domain.otp.delivery import Channel
from domain.phone import parse_phone
from domain.statistics.hourly_counts import (
    ONE_HOUR,
    STATISTICS_RETENTION,
    UNKNOWN,
    DeliveryCounts,
    DeliveryEntry,
    HourlyCounts,
    HourlySums,
)
from domain.statistics.report import CountRow, Statistics, make_query
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone, an_id
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.counted_events import (
    COUNTED,
    PROVIDER,
    accepted,
    delivered,
    ended_call,
    logged_in,
    rejected,
    sent_message,
    unconfirmed,
    undelivered,
)
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.randomness import SeededRandomness
from tests.support.policies import make_policy

OPERATOR: Final = operating_system_user("alice")


@pytest.fixture
def app() -> AppHarness:
    return AppHarness()


async def report(app: AppHarness, hours: int = 24) -> Statistics:
    return await app.use_cases.of(StatisticsFeature).report(
        OPERATOR, make_query(app.clock.now(), hours)
    )


async def test_a_sign_in_is_a_message_and_a_login_of_its_country(app: AppHarness) -> None:
    await app.log_in()
    assert (await report(app)).total == DeliveryCounts()
    await app.use_cases.of(StatisticsFeature).write()

    statistics = await report(app)
    counts = DeliveryCounts(sent=1, logins=1)
    assert statistics.total == counts
    assert statistics.by_country == [CountRow(a_phone().country, counts)]
    assert statistics.by_channel == [CountRow("sms", counts)]
    assert statistics.by_hour[-1].events == statistics.events
    assert statistics.events["login_succeeded"] == 1


async def test_a_login_by_a_callback_is_one_of_the_provider_that_called() -> None:
    app = AppHarness(policy=make_policy(webhook_urls=WEBHOOK_URLS, provider="the line"))
    await app.request_callback()
    await app.verify_otp(await app.code_of_last_call())
    await app.use_cases.of(StatisticsFeature).write()
    assert (await report(app)).by_provider == [
        CountRow("the line", DeliveryCounts(sent=1, logins=1))
    ]


async def test_a_request_that_a_limit_rejects_is_counted_by_the_limit(app: AppHarness) -> None:
    rejected = 0
    while rejected < 2:
        try:
            await app.request_otp()
        except TooManyOtpRequests:
            rejected += 1
    await app.use_cases.of(StatisticsFeature).write()
    assert (await report(app)).rejections == {"cooldown": 2}


def count(*events: SecurityEvent) -> HourlyCounts:
    """Return what is counted of some events."""
    sums = HourlySums("ab12")
    listener = CountEventsByHour(sums, MovableClock())
    for event in events:
        listener.record(event)
    (hourly,) = sums.list_changed()
    return hourly


@pytest.mark.parametrize(
    ("event", "entry"),
    [
        (accepted(), DeliveryEntry("US", Channel.SMS, PROVIDER, DeliveryCounts(sent=1))),
        (unconfirmed(), DeliveryEntry("US", Channel.SMS, PROVIDER, DeliveryCounts(sent=1))),
        (
            accepted(parse_phone("+919876543210"), Channel.VOICE, "the line"),
            DeliveryEntry("IN", Channel.VOICE, "the line", DeliveryCounts(sent=1)),
        ),
        (
            delivered(country="", provider=""),
            DeliveryEntry(UNKNOWN, Channel.SMS, UNKNOWN, DeliveryCounts(delivered=1)),
        ),
        (undelivered(), DeliveryEntry("US", Channel.SMS, PROVIDER, DeliveryCounts(undelivered=1))),
        (logged_in(), DeliveryEntry("US", Channel.SMS, PROVIDER, DeliveryCounts(logins=1))),
    ],
)
def test_each_event_of_a_message_is_counted(event: SecurityEvent, entry: DeliveryEntry) -> None:
    assert count(event).deliveries == (entry,)


@pytest.mark.parametrize("event", [*COUNTED, sent_message(), ended_call()], ids=type)
def test_an_event_without_what_is_counted_cannot_be_made(event: Any) -> None:
    details = {field.name: getattr(event, field.name) for field in fields(event)}
    for name in {"phone", "country", "channel", "provider", "limit"} & details.keys():
        others = {other: value for other, value in details.items() if other != name}
        with pytest.raises(TypeError, match=name):
            type(event)(**others)


def test_nothing_of_a_person_is_counted() -> None:
    events = (logged_in(), rejected(reason="a reason"), delivered())
    text = repr(count(*events))
    for private in (a_phone().masked, an_id(), "a reason", "0123456789abcdef", "SM1"):
        assert private in repr(events)
        assert private not in text
    assert a_phone().e164 not in text


async def test_a_report_sums_what_all_processes_have_written(app: AppHarness) -> None:
    other = AppHarness(database=app.database, clock=app.clock, randomness=SeededRandomness(2))
    for process in (app, other, app):
        process.listeners.record(accepted())
        await process.use_cases.of(StatisticsFeature).write()
    assert (await report(app)).total.sent == 3


async def test_a_repeated_write_adds_nothing_and_many_records_are_read_in_batches(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(period_records, "BATCH_SIZE", 2)
    for number in range(1, 6):
        app.listeners.record(accepted())
        for _ in range(2):
            await app.use_cases.of(StatisticsFeature).write()
        assert (await report(app)).total.sent == number
        app.clock.advance(ONE_HOUR)


@pytest.mark.parametrize("is_lost", [False, True], ids=["refused", "no response"])
async def test_what_could_not_be_written_is_in_the_next_write(
    app: AppHarness, is_lost: bool
) -> None:
    await app.log_in()
    app.faults.fail_on("hourly_counts.add", is_done=is_lost)
    with pytest.raises(StorageError):
        await app.use_cases.of(StatisticsFeature).write()
    await app.use_cases.of(StatisticsFeature).write()
    assert (await report(app)).total.logins == 1


async def test_a_service_token_needs_its_scope_for_statistics(app: AppHarness) -> None:
    actor, query = Actor(ActorKind.SERVICE_TOKEN, "dashboard"), make_query(NOW)
    others = frozenset(Scope) - {Scope.READ_STATISTICS}
    with pytest.raises(InsufficientScope):
        await app.use_cases.of(StatisticsFeature).report(Caller(actor, others), query)
    caller = Caller(actor, frozenset({Scope.READ_STATISTICS}))
    assert (await app.use_cases.of(StatisticsFeature).report(caller, query)).events == {}


async def test_an_hour_is_deleted_after_eight_days_and_not_before(app: AppHarness) -> None:
    await app.log_in()
    await app.use_cases.of(StatisticsFeature).write()
    (stored,) = app.database.records.tables["hourly_counts"].values()
    end = app.clock.now().replace(minute=0, second=0, microsecond=0) + STATISTICS_RETENTION
    assert stored.fields["expires_at"] == end
    app.clock.advance(end - app.clock.now() - ONE_HOUR / 3600)
    assert (await app.operations.cleanup())["expired_statistics"] == 0
    app.clock.advance(ONE_HOUR / 3600)
    assert (await app.operations.cleanup())["expired_statistics"] == 1
