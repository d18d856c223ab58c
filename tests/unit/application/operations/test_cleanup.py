"""The cleanup deletes everything that is over, also of processes that ended, and nothing else."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.databases.records.instances import InstanceRecord, check_issuers, check_none_alive
from adapters.databases.records.kinds import IDENTITIES, INSTANCES, LEASES
from application.additions import Additions
from application.administration.operator import operating_system_user
from application.operations import cleanup
from application.operations.cleanup import LEASE_NAME, CleanupIncomplete, CleanupReport
from application.pacing import PARALLEL_WRITES, Pace, call_in_groups
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    OperationRejected,
    StorageTimeout,
)
from domain.administration.audit import AUDIT_RETENTION
from domain.instance import INSTANCE_TTL, RENEWAL_INTERVAL
from domain.otp.delivery import ONE_DAY, DeliveryReport, ReportedStatus
from domain.otp.phone_verification import TRUSTED_IP_TTL, PhoneVerification
from domain.token_issuers import TokenIssuers
from tests.contract.examples.memory_database import Row
from tests.support.at_each_operation import Act, at_each_operation
from tests.support.builders import NOW, a_deleted_identity, a_phone, a_user, an_id, an_identity
from tests.support.core_harness import CoreHarness
from tests.support.fault_injector import ProcessKilled

TICK = timedelta(milliseconds=1)
INTERVAL = timedelta(hours=1)


async def test_the_phone_of_a_deleted_identity_is_detached_and_forgotten_a_day_later(
    app: CoreHarness,
) -> None:
    principal = await app.add_user()
    await app.identities.delete_user(principal)
    assert (await app.operations.cleanup())["purged_identities"] == 1
    deleted = app.database.identities[principal.identity.id].value
    assert deleted.is_deleted
    assert (deleted.purged_at, deleted.phone) == (app.clock.now(), None)
    assert app.database.phone_verifications[a_phone()].value.identity_id is None
    app.clock.advance(ONE_DAY)
    assert (await app.operations.cleanup())["expired_phone_verifications"] == 1


async def test_of_an_account_only_the_client_ips_are_removed_when_they_expire(
    app: CoreHarness,
) -> None:
    principal = await app.add_user()
    assert await app.operations.cleanup() == CleanupReport()
    app.clock.advance(TRUSTED_IP_TTL)
    assert (await app.operations.cleanup())["pruned_phone_verifications"] == 1
    [after] = app.database.phone_verifications.values()
    assert after.value == PhoneVerification(identity_id=principal.identity.id)
    app.clock.advance(timedelta(days=10_000))
    await app.operations.cleanup()
    assert (await app.log_in()).identity.user == principal.identity.user


async def test_no_limits_and_phone_verifications_are_left_when_all_expired(
    app: CoreHarness,
) -> None:
    for number in range(20):
        await app.request_otp(a_phone(number), f"203.0.113.{number}")
        await app.verify_otp("000000", a_phone(number), f"203.0.113.{number}")
    limits = app.database.limits.stored
    expired = len(limits)
    assert expired > 0
    app.advance(days=400)
    report = await app.operations.cleanup()
    assert report == CleanupReport(expired_phone_verifications=20, expired_rate_limits=expired)
    assert (limits, app.database.phone_verifications) == ({}, {})


async def test_it_works_in_short_steps_and_says_how_many_are_done(
    app: CoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BATCH_SIZE", 2)
    for number in range(5):
        report = DeliveryReport(f"report-{number}", ReportedStatus.SENT, NOW)
        await app.database.repositories().delivery_reports.add(report)
    totals: list[int] = []

    await app.operations.cleanup(lambda report: totals.append(report.total()))

    assert totals == [2, 4, 5]


async def test_another_instance_takes_over_when_the_lease_expired(app: CoreHarness) -> None:
    await app.database.repositories().identities.add(a_deleted_identity())
    app.faults.fail_on("identities.list_unpurged", kill=True)
    with pytest.raises(ProcessKilled):
        await app.operations.scheduled_cleanup(INTERVAL)
    app.faults.reset()
    other = replace(app)

    app.clock.advance(INTERVAL - TICK)
    assert await other.operations.scheduled_cleanup(INTERVAL) is None
    app.clock.advance(TICK)
    assert await other.operations.scheduled_cleanup(INTERVAL) == CleanupReport(purged_identities=1)


async def test_an_interrupted_cleanup_is_completed_by_the_next_and_keeps_a_login_between() -> None:
    async def start() -> tuple[CoreHarness, Act]:
        app = CoreHarness()
        await app.identities.delete_user(await app.add_user(a_phone(1), "Rahul"))
        return app, app.operations.cleanup

    async for app, clean_up in at_each_operation(start):
        principal = await app.log_in(a_phone(1))
        await clean_up()
        assert (await app.operations.cleanup()).total() == 0
        deleted, _ = app.database.identities.values()
        assert deleted.value.purged_at
        assert (await app.log_in(a_phone(1))).identity.id == principal.identity.id


async def test_audit_entries_are_deleted_after_400_days_and_not_before(app: CoreHarness) -> None:
    user_id = (await app.add_user()).identity.id
    await app.administration.act_for_users.delete(operating_system_user("alice"), user_id, "ticket")
    app.clock.advance(AUDIT_RETENTION - TICK)
    await app.operations.cleanup()
    assert [entry.subject for entry in app.database.audit_entries] == [user_id]
    app.clock.advance(TICK)
    report = await app.operations.cleanup()
    assert (report["expired_audit_entries"], app.database.audit_entries) == (1, [])


async def test_500_records_that_cannot_be_read_keep_no_others(
    app: CoreHarness, caplog: pytest.LogCaptureFixture
) -> None:
    identities = app.database.repositories().identities
    for number in range(1, 504):
        deleted = an_identity(id=an_id(number), phone=a_phone(number)).delete(NOW)
        await identities.add(deleted)
    rows = app.database.records.tables[IDENTITIES.name]
    for number in range(1, 501):
        row = rows[an_id(number)]
        rows[an_id(number)] = Row({**row.fields, "devices": "damaged"}, row.version)

    assert await app.operations.cleanup() == CleanupReport(purged_identities=3)

    events = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert events == ["record_not_cleaned_up"] * 500


async def test_what_fails_for_one_identity_keeps_neither_the_rest_of_it_nor_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "PURGED_AT_ONCE", 2)
    forgotten = list[str]()

    async def fail(identity_id: str) -> None:
        if identity_id in (an_id(1), an_id(2)):
            raise CorruptRecord("a record of notes cannot be read").of_record(identity_id)
        if identity_id == an_id(4):
            raise OperationRejected("the record is too large")

    async def forget(identity_id: str) -> None:
        forgotten.append(identity_id)

    app = CoreHarness(additions=Additions(on_purge=(fail, forget)))
    identities = app.database.repositories().identities
    for number in range(1, 6):
        await identities.add(an_identity(id=an_id(number), phone=a_phone(number)).delete(NOW))

    assert await app.operations.cleanup() == CleanupReport(purged_identities=2)
    assert {*forgotten} == {an_id(number) for number in range(1, 6)}
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    unreadable = "a record of notes cannot be read"
    assert [(line["record_id"], line["reason"]) for line in lines] == [
        (an_id(1), f"{unreadable}: {an_id(1)}"),
        (an_id(2), f"{unreadable}: {an_id(2)}"),
        (an_id(4), "the record is too large"),
    ]


async def test_a_step_that_fails_stops_no_other_and_the_end_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_: object = None) -> int:
        raise StorageTimeout("too slow")

    async def break_down() -> int:
        raise ValueError("a bug")

    async def count() -> int:
        return 1

    additions = Additions(
        cleanup_steps={"expired_notes": fail},
        final_cleanups={"broken": break_down, "counted": count},
    )
    app = CoreHarness(additions=additions)
    await app.database.repositories().identities.add(a_deleted_identity())

    with pytest.raises(CleanupIncomplete, match="failed: expired notes, broken;") as raised:
        await app.operations.cleanup()

    assert +raised.value.report == CleanupReport(purged_identities=1, counted=1)
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [(line["event"], line["step"], line.get("reason")) for line in lines] == [
        ("cleanup_step_failed", "expired_notes", "too slow"),
        ("cleanup_step_failed", "broken", None),
    ]


async def test_a_lease_that_cannot_be_read_stops_no_cleanup(app: CoreHarness) -> None:
    await app.database.repositories().identities.add(a_deleted_identity())
    leases = app.database.records.tables[LEASES.name]
    leases[LEASE_NAME] = Row({"schema_version": 1, "expires_at": "damaged"}, 1)

    with pytest.raises(CleanupIncomplete, match="failed: lease;") as raised:
        await app.operations.scheduled_cleanup(timedelta(minutes=15))

    assert raised.value.report == CleanupReport(purged_identities=1)


async def test_a_pause_is_as_long_as_the_step_before() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace()
    began_at = loop.time()
    await asyncio.sleep(0.05)  # the step
    ended_at = loop.time()

    await pace.pause()

    assert loop.time() - ended_at >= 0.9 * (ended_at - began_at)


async def test_few_calls_are_made_at_the_same_time_and_results_keep_their_order() -> None:
    running = most = 0

    async def call(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    assert await call_in_groups(call, range(10)) == [*range(10)]
    assert most == PARALLEL_WRITES


async def test_a_username_is_released_thirty_days_after_the_deletion(app: CoreHarness) -> None:
    deleted = a_deleted_identity(user=a_user(), purged_at=NOW, phone=None)
    await app.database.repositories().identities.add(deleted)
    app.clock.advance(timedelta(days=30) - TICK)
    assert await app.operations.cleanup() == CleanupReport()
    app.clock.advance(TICK)
    assert await app.operations.cleanup() == CleanupReport(released_usernames=1)
    assert app.database.identities[deleted.id].value.username_key is None


# The record of a process that serves


async def test_a_process_renews_one_record_and_deletes_it_at_the_end(app: CoreHarness) -> None:
    started_at, rows = app.clock.now(), app.database.records.tables[INSTANCES.name]
    await app.operations.instance.renew()
    app.advance(RENEWAL_INTERVAL.total_seconds())
    await app.operations.instance.renew()

    [record_id] = rows
    loaded = await app.database.repositories().instances.load(record_id)
    assert loaded is not None
    assert loaded.value.issuer == TokenIssuers().issuer
    assert (loaded.value.started_at, loaded.value.renewed_at) == (started_at, app.clock.now())
    assert loaded.value.expires_at == app.clock.now() + INSTANCE_TTL

    await app.operations.instance.delete()
    assert not rows


async def test_a_killed_process_counts_for_half_a_minute_and_is_then_cleaned_up(
    app: CoreHarness,
) -> None:
    await app.operations.instance.renew()
    check_none_alive(serving(TokenIssuers()), "a database", NOW + timedelta(seconds=30))

    app.advance(60 + 29)
    assert (await app.operations.cleanup())["expired_instances"] == 0
    app.advance(1)
    assert (await app.operations.cleanup())["expired_instances"] == 1


NEW = TokenIssuers.of("https://a.test", ["dialtone"])
CAREFUL = TokenIssuers.of("dialtone", ["https://a.test"])


def serving(*issuers: TokenIssuers, seconds_left: int = 30) -> list[InstanceRecord]:
    return [
        InstanceRecord(
            id=str(number),
            program_version="",
            started_at=NOW,
            renewed_at=NOW,
            expires_at=NOW + timedelta(seconds=seconds_left),
            issuer=each.issuer,
            accepted_issuers=each.accepted_issuers,
        )
        for number, each in enumerate(issuers)
    ]


def test_only_other_issuers_that_all_accept_need_a_note() -> None:
    assert check_issuers(NEW, serving(NEW, NEW), NOW) == ""
    assert check_issuers(NEW, serving(TokenIssuers(), seconds_left=0), NOW) == ""
    note = check_issuers(NEW, serving(CAREFUL, NEW, CAREFUL), NOW)
    assert note.endswith("these settings, with https://a.test: 2 with dialtone")


def test_an_issuer_that_some_reject_is_an_error() -> None:
    for own, others, text in (
        # One of a version without the setting.
        (NEW, [TokenIssuers()], "of https://a.test are rejected by instances with dialtone."),
        (TokenIssuers(), [NEW], "of https://a.test are rejected by these settings."),
        (CAREFUL, [NEW, TokenIssuers()], "https://a.test are rejected by instances with dialtone."),
    ):
        with pytest.raises(ConfigurationError, match=text):
            check_issuers(own, serving(*others), NOW)
