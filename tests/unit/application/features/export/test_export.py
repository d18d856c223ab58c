"""An export has all data of one person and of nobody else, as a ZIP archive."""

import io
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest

from application.features.export import EXPLAINED_FILES, EXPORT, Export
from application.principal import Principal
from domain.administration.audit import AuditAction
from domain.errors import (
    FreshLoginRequired,
    TooManyExports,
    Unauthenticated,
    Unavailable,
    UserNotFound,
)
from domain.features.app_data import AppData
from domain.phone import PhoneNumber
from entrypoints.features.app_data import APP_DATA
from entrypoints.http.features.export.archive import write_archive
from tests.support.acts import BY_COMMAND, assert_refused, permitted_operators
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id
from tests.support.fakes.messenger import REJECTED
from tests.support.fault_injector import ProcessKilled
from tests.support.voice.builders import a_call, a_recording
from tests.support.voice.stored import voice_repositories
from tests.unit.application.features.phone_change.phone_changes import request_codes


async def read(opened: AbstractAsyncContextManager[Export]) -> ZipFile:
    """Read an export to its end, as a server sends it."""
    content = bytearray()
    async with opened as export, aclosing(write_archive(export)) as parts:
        async for part in parts:
            content += part
        export.complete()
    return ZipFile(io.BytesIO(content))


async def break_off(opened: AbstractAsyncContextManager[Export]) -> None:
    """Read the first part of an export, as a client that disconnects."""
    async with opened as export, aclosing(write_archive(export)) as parts:
        await anext(parts)


async def export_own_data(app: AppHarness, principal: Principal) -> ZipFile:
    return await read(app.exports.export_own_data(principal))


async def export_user(app: AppHarness, query: PhoneNumber | str) -> ZipFile:
    return await read(app.exports.export_user(BY_COMMAND, query, "ticket"))


def exports(app: AppHarness) -> Mapping[str, Any]:
    """The records of exports, by the id of the identity."""
    return app.database.records.tables["data_exports"]


def parse(archive: ZipFile, name: str) -> Any:
    return json.loads(archive.read(name))


async def add_call_with_recording(app: AppHarness, principal: Principal) -> str:
    recording = a_recording(recorded_at=app.clock.now())
    app.call_provider.recordings[recording.id] = b"a sound" * 1_000
    call = a_call(identity_id=principal.identity.id, recordings=(recording,))
    await voice_repositories(app.database).calls.add(replace(call, started_at=app.clock.now()))
    return str(recording.id)


async def test_the_owner_gets_everything_with_a_page_that_explains_it(app: AppHarness) -> None:
    principal = await app.add_user()
    item = (await app.upload_image(principal, category="art")).item
    await add_call_with_recording(app, principal)
    app_data = AppData(principal.identity.id, '{"plan":"pro"}')
    await APP_DATA.of(app.use_cases).stored_data.replace(app_data.id, app_data)
    await app.administration.act_for_users.reset_limits(BY_COMMAND, a_phone(), "no code arrived")

    archive = await export_own_data(app, principal)

    assert archive.testzip() is None
    image_name = f"library/{item.id}.gif"
    sound = f"recordings/{an_id()}-0.mp3"
    assert archive.namelist() == [
        "index.html", "account.json", "sessions.json", "sign_in.json", "audit.json",
        "app_data.json", "library.json", image_name, "calls.json", sound,
        "passkeys.json",
    ]  # fmt: skip
    assert parse(archive, "app_data.json") == {"plan": "pro"}
    page = archive.read("index.html").decode()
    explained = [*EXPLAINED_FILES, "library.json", "library/", "calls.json", "recordings/"]
    assert all(name in page for name in [*explained, "not_included.json"])
    [entry] = parse(archive, "audit.json")
    assert (entry["action"], entry["reason"]) == ("reset_limits", "no code arrived")
    assert "alice" not in archive.read("audit.json").decode()
    assert archive.read(image_name) == app.files.contents[item.storage_key]
    assert archive.read(sound) == b"a sound" * 1_000
    modes = {info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes == {0o600}


async def test_an_export_has_no_hashes_no_keys_and_nobody_elses_data(app: AppHarness) -> None:
    other = await app.add_user(a_phone(2), "Priya")
    await app.upload_image(other)
    principal = await app.add_administrator(a_phone())

    archive = await export_own_data(app, principal)

    text = b"".join(archive.read(name) for name in archive.namelist()).decode()
    identity = app.database.identities[principal.identity.id].value
    verification = app.database.phone_verifications[a_phone()].value
    hidden = [
        a_phone(2).e164,
        other.identity.id,
        "Priya",
        *(device.id for device in identity.devices),
        *(trusted.client_ip_hash for trusted in verification.trusted_ips),
        *(delivery.request_id for delivery in verification.deliveries.all),
        *(used.id for used in identity.used_challenges),
    ]
    assert len(hidden) > 6
    assert [secret for secret in hidden if secret in text] == []


async def test_changes_of_the_number_are_in_the_export_without_the_former_one(
    app: AppHarness,
) -> None:
    principal = await app.add_user()
    command = await request_codes(app, principal, a_phone(2))
    app.messenger.result = REJECTED  # so the change is not over
    await app.phone_change.change_phone(principal, command)

    archive = await export_user(app, principal.identity.id)

    text = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert a_phone().e164 not in text
    actors = {entry["action"]: entry["by"] for entry in parse(archive, "audit.json")}
    assert actors == {"change_phone": "you", "export": "an operator, by a command"}


async def test_a_broken_transfer_is_repeated_and_a_complete_one_is_not(app: AppHarness) -> None:
    principal = await app.log_in()
    export = app.exports.export_own_data
    await break_off(export(principal))
    await read(export(principal))
    with pytest.raises(TooManyExports) as caught:
        await read(export(principal))
    assert caught.value.retry_after == timedelta(days=1).total_seconds()
    # A login within 15 minutes is needed.
    token = await app.access_token()
    app.advance(days=1)
    with pytest.raises(FreshLoginRequired):
        await export_own_data(app, await app.identities.authenticate(token))


async def test_an_export_of_an_account_that_is_deleted_meanwhile_does_not_begin(
    app: AppHarness,
) -> None:
    principal = await app.log_in()
    app.faults.run_before("data_exports.add", lambda: app.identities.delete_user(principal))
    with pytest.raises(Unauthenticated):
        await export_own_data(app, principal)
    assert not exports(app)


async def test_only_who_may_exports_and_people_say_why(app: AppHarness) -> None:
    await app.add_user()
    export = app.exports.export_user

    await assert_refused(EXPORT, lambda operator, reason: read(export(operator, a_phone(), reason)))
    assert app.database.audit_entries == []

    for operator, reason in permitted_operators(EXPORT):
        await read(export(operator, a_phone(), reason))


async def test_an_operators_export_is_in_the_audit_and_so_is_a_broken_one(
    app: AppHarness,
) -> None:
    user_id = (await app.add_user()).identity.id
    export = app.exports.export_user

    archive = await read(export(BY_COMMAND, a_phone(), "she asked"))
    await break_off(export(BY_COMMAND, user_id, "ticket"))

    done, begun, failed = app.database.audit_entries
    assert (done.action, done.subject, done.reason) == (AuditAction.EXPORT, user_id, "she asked")
    assert (failed.failed_entry_id, failed.error) == (begun.id, "interrupted_error")
    # What the operator does now is in the file already.
    assert parse(archive, "audit.json")[0]["action"] == "export"


async def test_a_file_that_is_gone_is_named_and_the_rest_is_there(app: AppHarness) -> None:
    principal = await app.add_user()
    item = (await app.upload_image(principal)).item
    recording_id = await add_call_with_recording(app, principal)
    del app.files.contents[item.storage_key]
    del app.call_provider.recordings[recording_id]

    archive = await export_own_data(app, principal)

    missing = [row["file"] for row in parse(archive, "not_included.json")]
    assert missing == [f"library/{item.id}.gif", f"recordings/{an_id()}-0.mp3"]
    assert not set(missing) & set(archive.namelist())


async def test_a_store_that_is_away_is_an_error_before_the_export_begins(
    app: AppHarness,
) -> None:
    principal = await app.add_user()
    await app.upload_image(principal)
    app.files.is_unavailable = True
    with pytest.raises(Unavailable):
        await export_own_data(app, principal)
    with pytest.raises(Unavailable):
        await export_user(app, a_phone())
    app.files.is_unavailable = False
    await export_own_data(app, principal)
    assert app.database.audit_entries == []


async def test_an_export_is_forgotten_with_the_account(app: AppHarness) -> None:
    principal = await app.log_in()
    await export_own_data(app, principal)
    await app.identities.delete_user(principal)
    assert not exports(app)
    await export_own_data(app, await app.log_in())  # it is another account


async def test_the_cleanup_deletes_an_export_that_a_killed_deletion_left(app: AppHarness) -> None:
    principal = await app.log_in()
    await export_own_data(app, principal)
    app.faults.fail_on("data_exports.delete", kill=True)
    with pytest.raises(ProcessKilled):
        await app.identities.delete_user(principal)
    app.faults.reset()
    assert exports(app)
    with pytest.raises(UserNotFound):
        await export_user(app, a_phone())
    await app.operations.cleanup()
    assert not exports(app)


async def test_the_cleanup_forgets_an_export_when_the_next_is_possible(app: AppHarness) -> None:
    principal = await app.log_in()
    await export_own_data(app, principal)
    app.advance(timedelta(days=1).total_seconds() - 1)
    await app.operations.cleanup()
    with pytest.raises(TooManyExports):
        await export_own_data(app, principal)
    app.advance(minutes=10)
    assert (await app.operations.cleanup())["expired_data_exports"] == 1
    assert not exports(app)
