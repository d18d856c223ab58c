"""The cleanup deletes everything that is over, and nothing else."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from application.admin.feature import AdminFeature
from application.administration.caller import operating_system_user
from application.identities.login import LoggedIn
from application.media import deletions
from application.operations import cleanup
from application.operations.cleanup import CleanupReport
from application.pacing import Pace
from application.ports.errors import StorageUnavailable
from domain.administration.audit import AUDIT_RETENTION
from domain.administration.service_token import Scope
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, ItemState, MediaItem
from domain.otp.delivery import ONE_DAY
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus
from domain.otp.phone_verification import TRUSTED_IP_TTL, PhoneVerification
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_deleted_identity, a_phone, a_user, an_id
from tests.support.fault_injector import ProcessKilled
from tests.support.media.builders import an_item
from tests.support.media.stored import media_repositories, stored_items

TICK = timedelta(milliseconds=1)
INTERVAL = timedelta(hours=1)
OTHER_IP = "198.51.100.20"


async def add_item(app: AppHarness, item: MediaItem) -> None:
    assert await media_repositories(app.database).items.add(item)


async def test_the_cleanup_keeps_everything_in_use(app: AppHarness) -> None:
    principal = await app.add_user()
    uploaded = await app.upload_image(principal)
    assert await app.operations.cleanup() == CleanupReport()
    app.clock.advance(timedelta(days=10_000))
    await app.operations.cleanup()
    assert (await app.log_in()).identity.user == principal.identity.user
    assert (await app.get_item(uploaded.item.id)).item == uploaded.item
    assert uploaded.item.storage_key in app.files.contents


# Uploads


async def test_the_file_of_a_deleted_item_is_deleted_again_before_its_record(
    app: AppHarness,
) -> None:
    item = an_item(state=ItemState.DELETING, deletion_requested_at=NOW)
    await add_item(app, item)
    app.clock.advance(FILE_DELETION_DELAY - TICK)
    assert await app.operations.cleanup() == CleanupReport()
    app.files.contents[item.storage_key] = b"from a very slow upload"
    app.clock.advance(TICK)
    assert await app.operations.cleanup() == CleanupReport(deleted_items=1)
    assert app.files.contents == {}
    assert stored_items(app.database) == {}


async def test_an_unavailable_store_keeps_the_record_and_stops_no_other_cleanup(
    app: AppHarness,
) -> None:
    repositories = app.database.repositories()
    await add_item(app, an_item(state=ItemState.DELETING, deletion_requested_at=NOW))
    await repositories.identities.add(a_deleted_identity(user=a_user()))
    await repositories.phone_verifications.replace(a_phone(), PhoneVerification(), 0)
    app.clock.advance(timedelta(days=30))
    app.files.is_unavailable = True
    assert await app.operations.cleanup() == CleanupReport(
        purged_identities=1, released_usernames=1, expired_phone_verifications=1
    )
    app.files.is_unavailable = False
    assert await app.operations.cleanup() == CleanupReport(deleted_items=1)


async def test_unfinished_files_are_deleted_after_the_longest_upload(app: AppHarness) -> None:
    app.files.unfinished = [NOW, NOW + TICK]
    app.clock.advance(FILE_DELETION_DELAY + TICK)
    assert await app.operations.cleanup() == CleanupReport(unfinished_files=1)
    assert app.files.unfinished == [NOW + TICK]


# Deleted identities


async def test_items_and_phone_of_a_deleted_identity_are_cleaned_up(app: AppHarness) -> None:
    principal = await app.add_user()
    app.files.is_unavailable = True
    await app.identities.delete_user(principal)
    app.files.is_unavailable = False
    await add_item(app, an_item(owner_id=principal.identity.id))
    assert (await app.operations.cleanup())["purged_identities"] == 1
    deleted = app.database.identities[principal.identity.id].value
    assert deleted.is_deleted
    assert (deleted.purged_at, deleted.phone) == (app.clock.now(), None)
    assert app.database.phone_verifications[a_phone()].value.identity_id is None
    states = {stored.value.state for stored in stored_items(app.database).values()}
    assert states == {ItemState.DELETING}


async def test_a_username_is_released_thirty_days_after_the_deletion(app: AppHarness) -> None:
    deleted = a_deleted_identity(user=a_user(), purged_at=NOW, phone=None)
    await app.database.repositories().identities.add(deleted)
    app.clock.advance(timedelta(days=30) - TICK)
    assert await app.operations.cleanup() == CleanupReport()
    app.clock.advance(TICK)
    assert await app.operations.cleanup() == CleanupReport(released_usernames=1)
    assert app.database.identities[deleted.id].value.username_key is None


async def test_the_phone_verification_of_a_deleted_identity_expires(app: AppHarness) -> None:
    principal = await app.log_in()
    await app.identities.delete_user(principal)
    await app.operations.cleanup()
    assert a_phone() in app.database.phone_verifications
    app.clock.advance(ONE_DAY)
    assert (await app.operations.cleanup())["expired_phone_verifications"] == 1


async def test_the_next_owner_of_a_phone_does_not_trust_the_ips_of_a_deleted_one(
    app: AppHarness,
) -> None:
    principal = await app.log_in()
    await app.identities.delete_user(principal)
    await app.operations.cleanup()
    [purged] = app.database.phone_verifications.values()
    assert (purged.value.identity_id, purged.value.trusted_ips) == (None, ())
    assert len(purged.value.deliveries) == 1
    app.clock.advance(ONE_DAY)
    await app.request_otp(client_ip=OTHER_IP)
    assert isinstance(await app.verify_otp(app.last_code, client_ip=OTHER_IP), LoggedIn)
    [next_owner] = app.database.phone_verifications.values()
    assert len(next_owner.value.trusted_ips) == 1


# Phone verifications and rate limits


async def test_the_client_ips_of_a_phone_with_an_identity_are_removed_when_they_expire(
    app: AppHarness,
) -> None:
    principal = await app.log_in()
    app.clock.advance(TRUSTED_IP_TTL - TICK)
    assert (await app.operations.cleanup())["pruned_phone_verifications"] == 1
    [before] = app.database.phone_verifications.values()
    app.clock.advance(TICK)
    assert (await app.operations.cleanup())["pruned_phone_verifications"] == 1
    [after] = app.database.phone_verifications.values()

    assert len(before.value.trusted_ips) == 1
    assert after.value == PhoneVerification(identity_id=principal.identity.id)


async def test_no_limits_attempts_and_phone_verifications_are_left_when_all_expired(
    app: AppHarness,
) -> None:
    for number in range(20):
        await app.request_otp(a_phone(number), f"203.0.113.{number}")
        await app.verify_otp("000000", a_phone(number), f"203.0.113.{number}")
    limits = app.database.limits.stored
    attempts = app.database.records.tables["unchallenged_attempts"]
    await app.verify_otp("000000", a_phone(20))
    assert (len(attempts), len(limits) > 0) == (1, True)
    expired = len(limits)
    app.advance(days=400)
    report = await app.operations.cleanup()
    assert report == CleanupReport(
        expired_phone_verifications=20, expired_rate_limits=expired, expired_attempts=1
    )
    assert (limits, attempts, app.database.phone_verifications) == ({}, {}, {})


# Repeated and parallel cleanups


async def test_it_works_in_short_steps_and_says_how_many_are_done(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BATCH_SIZE", 2)
    for number in range(5):
        report = DeliveryReport(f"report-{number}", ReportedStatus.SENT, NOW)
        await app.database.repositories().delivery_reports.add(report)
    totals: list[int] = []

    await app.operations.cleanup(lambda report: totals.append(report.total()))

    assert totals == [2, 4, 5]


async def test_it_pauses_between_the_items_of_one_deleted_account(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "BATCH_SIZE", 2)
    repositories, deleted = app.database.repositories(), a_deleted_identity()
    await repositories.identities.add(deleted)
    for number in range(5):
        await add_item(app, an_item(id=an_id(number), owner_id=deleted.id))
    left: list[int] = []

    async def pause(_: Pace) -> None:
        states = [stored.value.state for stored in stored_items(app.database).values()]
        left.append(states.count(ItemState.READY))

    monkeypatch.setattr(Pace, "pause", pause)
    await app.operations.cleanup()

    assert left[:3] == [3, 1, 0]


async def test_parallel_cleanups_do_the_work_once(app: AppHarness) -> None:
    repositories = app.database.repositories()
    for number in range(300):
        await repositories.identities.add(
            a_deleted_identity(id=an_id(number), phone=a_phone(number))
        )
        item = an_item(id=an_id(5000 + number), owner_id=an_id(number))
        await add_item(app, item)
    reports = await asyncio.gather(*(app.operations.cleanup() for _ in range(4)))
    assert sum(report["purged_identities"] for report in reports) == 300
    assert all(stored.value.purged_at for stored in app.database.identities.values())
    assert await app.operations.cleanup() == CleanupReport()


# Scheduled cleanups


def second_instance(app: AppHarness) -> AppHarness:
    return AppHarness(faults=app.faults, database=app.database, clock=app.clock)


@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
async def test_another_instance_takes_over_when_the_lease_expired(
    app: AppHarness, kill: bool
) -> None:
    await app.database.repositories().identities.add(a_deleted_identity())
    app.faults.fail_on("identities.list_unpurged", kill=kill)
    with pytest.raises(ProcessKilled if kill else StorageUnavailable):
        await app.operations.scheduled_cleanup(INTERVAL)
    app.faults.reset()
    other = second_instance(app)

    app.clock.advance(INTERVAL - TICK)
    assert await other.operations.scheduled_cleanup(INTERVAL) is None
    app.clock.advance(TICK)
    assert await other.operations.scheduled_cleanup(INTERVAL) == CleanupReport(purged_identities=1)


async def app_to_clean() -> AppHarness:
    """Return an app with an expired upload, a deleted item and a deleted identity with items."""
    app = AppHarness()
    principal = await app.add_user(a_phone(1), "Rahul")
    uploaded = {(await app.upload_image(principal)).item.storage_key for _ in range(2)}
    now = app.clock.now()
    pending = an_item(id=an_id(71), state=ItemState.PENDING, upload_deadline=now + UPLOAD_TIMEOUT)
    deleting = an_item(id=an_id(72), state=ItemState.DELETING, deletion_requested_at=now)
    for item in (pending, deleting):
        await add_item(app, item)
        app.files.contents[item.storage_key] = b"content"
    app.clock.advance(FILE_DELETION_DELAY)
    app.faults.fail_on("media_items.list_owned_by", kill=True)
    with pytest.raises(ProcessKilled):
        await app.identities.delete_user(principal)
    app.faults.reset()
    assert uploaded < set(app.files.contents)
    return app


async def assert_cleanup_completes(app: AppHarness) -> None:
    await app.operations.cleanup()
    app.clock.advance(FILE_DELETION_DELAY)
    await app.operations.cleanup()
    assert (await app.operations.cleanup()).total() == 0
    assert app.files.contents == {}
    assert stored_items(app.database) == {}
    (identity,) = app.database.identities.values()
    assert identity.value.purged_at
    assert app.database.phone_verifications[a_phone(1)].value.identity_id is None


async def test_an_interrupted_cleanup_is_completed_by_the_next_and_keeps_a_login_between() -> None:
    uninterrupted = await app_to_clean()
    await uninterrupted.use_cases.operations.cleanup()
    for operation in set(uninterrupted.faults.calls):
        for kill, with_login in ((False, False), (True, False), (True, True)):
            app = await app_to_clean()
            app.faults.fail_on(operation, kill=kill)
            with suppress(StorageUnavailable, ProcessKilled):
                await app.operations.cleanup()
            assert app.faults.has_fired
            app.faults.reset()
            if not with_login:
                await assert_cleanup_completes(app)
                continue
            principal = await app.log_in(a_phone(1))
            uploaded = await app.upload_image(principal)
            await app.operations.cleanup()
            assert (await app.log_in(a_phone(1))).identity.id == principal.identity.id
            assert (await app.get_item(uploaded.item.id)).item == uploaded.item


async def test_audit_entries_are_deleted_after_400_days_and_not_before(app: AppHarness) -> None:
    await app.administration.act_for_users.block(operating_system_user("alice"), a_phone())
    app.clock.advance(AUDIT_RETENTION - timedelta(milliseconds=1))
    await app.operations.cleanup()
    assert len(app.database.audit_entries) == 1
    app.advance(0.001)
    report = await app.operations.cleanup()
    assert (report["expired_audit_entries"], app.database.audit_entries) == (1, [])


async def test_audit_entries_stay_after_the_deletion_of_the_account(app: AppHarness) -> None:
    user_id = (await app.add_user()).identity.id
    await app.administration.act_for_users.delete(operating_system_user("alice"), user_id)
    app.advance(days=100)
    await app.operations.cleanup()
    assert [entry.subject for entry in app.database.audit_entries] == [user_id]


async def test_an_expired_service_token_is_deleted(app: AppHarness) -> None:
    tokens, ttl = app.use_cases.of(AdminFeature).tokens, timedelta(days=1)
    operator = operating_system_user("alice")
    await tokens.create(operator, "the help desk", (Scope.READ_USERS,), ttl)
    assert (await app.operations.cleanup())["expired_service_tokens"] == 0
    app.clock.advance(ttl)
    assert (await app.operations.cleanup())["expired_service_tokens"] == 1


async def test_delivery_reports_are_deleted_after_a_day(app: AppHarness) -> None:
    report = DeliveryReport("a-report", ReportedStatus.SENT, NOW + REPORT_TTL)
    await app.database.repositories().delivery_reports.add(report)
    app.clock.advance(REPORT_TTL - TICK)
    assert await app.operations.cleanup() == CleanupReport()
    app.clock.advance(TICK)
    assert await app.operations.cleanup() == CleanupReport(expired_delivery_reports=1)
