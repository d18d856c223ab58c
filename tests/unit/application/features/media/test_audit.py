"""What administrators do with what others have is in the audit."""

import pytest

from application.features.voice.calls import CallsFeature
from domain.errors import AuditFailed
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.voice.builders import a_call, a_recording
from tests.support.voice.stored import voice_repositories


async def test_what_administrators_do_for_others_is_in_the_audit_too(app: AppHarness) -> None:
    principal = await app.add_administrator(a_phone(2))
    owner = await app.add_user()
    app.database.records.tables["audit_entries"].clear()
    items = [
        (await app.upload_image(uploader, owner_id=owner.identity.id)).item
        for uploader in (principal, owner)
    ]
    for item in items:
        await app.media.categorize_item(principal, item.id, "art")
    await app.media.delete_item(principal, items[0].id)
    await app.media.delete_item(owner, items[1].id)
    recording = a_recording()
    app.call_provider.recordings[recording.id] = b"a sound"
    call = a_call(identity_id=owner.identity.id, recordings=(recording,))
    await voice_repositories(app.database).calls.add(call)
    async with app.use_cases.of(CallsFeature).open_recording(principal, call.id):
        pass
    entries = app.database.audit_entries
    assert [entry.action.value for entry in entries] == [
        "upload_item",
        "change_item",
        "change_item",
        "delete_item",
        "listen",
    ]
    assert {entry.actor.id for entry in entries} == {principal.identity.id}
    assert {entry.subject for entry in entries} == {owner.identity.id}


async def test_an_item_of_another_stays_where_the_audit_cannot_be_written(
    app: AppHarness,
) -> None:
    owner = await app.add_user()
    item = (await app.upload_image(owner)).item
    principal = await app.add_administrator(a_phone(2))
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await app.media.delete_item(principal, item.id)
    app.faults.reset()
    assert (await app.get_item(item.id)).item == item
