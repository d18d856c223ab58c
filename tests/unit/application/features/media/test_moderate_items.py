"""Administrators hide items, show them again and delete them. Nobody else sees a hidden item."""

import asyncio
from tempfile import TemporaryFile
from typing import Final

import pytest

from application.administration.operator import operating_system_user
from application.features.media.feature import LibraryFeature
from application.features.media.moderate_items import DELETE, HIDE, UNHIDE, ModerateItems
from application.features.voice.call_log import CallsFeature
from application.principal import Principal
from domain.administration.scope import Scope
from domain.errors import AuditFailed, Forbidden
from domain.features.media.errors import ItemDeleted, ItemNotFound, MediaFileNotFound
from domain.features.media.image import VariantSpec
from domain.features.media.item import ItemFilter, ItemState, MediaItem, PageRequest
from domain.features.media.usage import Quota
from domain.identities.role import Role
from tests.support.acts import IN_API, IN_CONSOLE, LATER, a_token, assert_refused, staff
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone, an_id
from tests.support.media.stored import stored_items, stored_usages
from tests.support.stored_files import read_opened
from tests.support.voice.builders import a_call, a_recording
from tests.support.voice.stored import voice_repositories

OPERATOR: Final = operating_system_user("alice")
OTHERS: Final = a_token(*set(Scope) - {Scope.READ_LIBRARY})
HIDDEN: Final = ItemFilter(is_hidden=True)
REASON: Final = "report 815"


@pytest.fixture
async def item(app: AppHarness, owner: Principal) -> MediaItem:
    return (await app.upload_image(owner)).item


def moderation(app: AppHarness) -> ModerateItems:
    return app.use_cases.of(LibraryFeature).moderate_items


async def listed(app: AppHarness, item_filter: ItemFilter) -> list[str]:
    page = await moderation(app).list(OPERATOR, item_filter, None, 10)
    return [item.id for item in page.items]


async def test_a_hidden_item_is_like_a_deleted_one_for_all_but_administrators(
    app: AppHarness, owner: Principal, item: MediaItem
) -> None:
    administrator = await app.add_administrator(a_phone(2))
    await moderation(app).hide(OPERATOR, item.id, REASON)

    for viewer in (owner, administrator):
        page = await app.media.list_items(viewer, ItemFilter(), PageRequest())
        assert (page.items, page.total) == ([], 0)
        for act in (
            app.media.get_item(viewer, item.id),
            app.media.categorize_item(viewer, item.id, "art"),
            app.media.delete_item(viewer, item.id),
        ):
            with pytest.raises(ItemNotFound):
                await act
        with pytest.raises(MediaFileNotFound):
            await app.media.open_file.find(item.storage_key, viewer)
    assert (await moderation(app).get(OPERATOR, item.id)).is_hidden
    assert (await listed(app, HIDDEN), await listed(app, ItemFilter())) == ([item.id], [])


async def test_an_item_that_is_shown_again_is_as_before(app: AppHarness, item: MediaItem) -> None:
    for _ in range(2):  # also one that is hidden, or shown, already
        await moderation(app).hide(OPERATOR, item.id, REASON)
    for _ in range(2):
        assert await moderation(app).unhide(OPERATOR, item.id, REASON) == item
    assert (await app.get_item(item.id)).item == item
    assert await read_opened(app.media.open_file, item.storage_key)
    assert (await listed(app, HIDDEN), await listed(app, ItemFilter())) == ([], [item.id])


async def test_each_act_is_in_the_audit_with_owner_item_and_reason(
    app: AppHarness, owner: Principal, item: MediaItem
) -> None:
    await moderation(app).hide(OPERATOR, item.id, REASON)
    await moderation(app).unhide(OPERATOR, item.id, REASON)
    await moderation(app).delete(OPERATOR, item.id, REASON)
    entries = app.database.audit_entries
    assert {entry.action.value for entry in entries} == {"hide_item", "unhide_item", "delete_item"}
    for entry in entries:
        assert (entry.subject, entry.item_id) == (owner.identity.id, item.id)
        assert (entry.actor, entry.reason) == (OPERATOR.actor, REASON)


async def test_without_an_audit_entry_nothing_is_done(app: AppHarness, item: MediaItem) -> None:
    for act in (moderation(app).hide, moderation(app).unhide, moderation(app).delete):
        app.faults.fail_on("audit_log.add")
        with pytest.raises(AuditFailed):
            await act(OPERATOR, item.id, REASON)
    app.faults.reset()
    assert (await app.get_item(item.id)).item == item


async def test_only_administrators_and_commands_moderate_and_for_a_reason(
    app: AppHarness, item: MediaItem
) -> None:
    items = moderation(app)
    await assert_refused(HIDE, lambda operator, why: items.hide(operator, item.id, why))
    await assert_refused(UNHIDE, lambda operator, why: items.unhide(operator, item.id, why))
    await assert_refused(DELETE, lambda operator, why: items.delete(operator, item.id, why))
    assert app.database.audit_entries == []
    for operator in (IN_API, IN_CONSOLE, LATER, OPERATOR):
        for do in (items.hide, items.unhide):
            await do(operator, item.id, REASON)


async def test_nobody_looks_at_items_without_the_scope(app: AppHarness, item: MediaItem) -> None:
    items = moderation(app)
    for read in (items.get, items.find_image, items.find_thumbnail):
        with pytest.raises(Forbidden):
            await read(OTHERS, item.id)
    with pytest.raises(Forbidden):
        await items.list(OTHERS, ItemFilter(), None, 10)
    assert app.database.audit_entries == []


async def test_what_was_deleted_is_not_found_and_does_not_come_back(
    app: AppHarness, owner: Principal, item: MediaItem
) -> None:
    hidden = (await app.upload_image(owner)).item
    items = moderation(app)
    await items.hide(OPERATOR, hidden.id, REASON)
    await items.delete(OPERATOR, item.id, REASON)
    await app.identities.delete_user(owner)
    for item_id in (item.id, hidden.id, an_id(99)):
        for act in (items.hide, items.unhide, items.delete):
            with pytest.raises(ItemNotFound):
                await act(OPERATOR, item_id, REASON)
    assert await listed(app, ItemFilter()) == []
    assert app.files.contents == {}


async def test_of_hiding_and_deleting_at_the_same_time_the_deletion_wins(
    app: AppHarness, item: MediaItem
) -> None:
    items = moderation(app)
    acts = [items.hide, items.unhide] * 5
    results = await asyncio.gather(
        *(act(OPERATOR, item.id, REASON) for act in acts),
        items.delete(OPERATOR, item.id, REASON),
        return_exceptions=True,
    )
    assert isinstance(results[-1], MediaItem)
    assert stored_items(app.database)[item.id].value.state is ItemState.DELETING


async def test_a_hidden_item_counts_in_the_quota_until_it_is_deleted() -> None:
    app = AppHarness(policy=make_policy(quota=Quota(max_items=1)))
    owner = await app.add_user()
    item = (await app.upload_image(owner)).item
    await moderation(app).hide(OPERATOR, item.id, REASON)
    await app.library.quota.recount(owner.identity.id)
    assert stored_usages(app.database)[owner.identity.id].value.used_items == 1
    await moderation(app).delete(OPERATOR, item.id, REASON)
    assert stored_usages(app.database)[owner.identity.id].value.used_items == 0


async def test_an_upload_that_is_repeated_does_not_return_a_hidden_item(
    app: AppHarness, owner: Principal
) -> None:
    item = (await app.upload_image(owner, idempotency_key="a key")).item
    await moderation(app).hide(OPERATOR, item.id, REASON)
    with pytest.raises(ItemDeleted):
        await app.upload_image(owner, idempotency_key="a key")


async def test_the_variants_of_hidden_items_are_checked_and_rebuilt(
    app: AppHarness, item: MediaItem
) -> None:
    await moderation(app).hide(OPERATOR, item.id, REASON)
    policy = make_policy(variant_specs=[VariantSpec("thumb", 32, 32)])
    other_settings = AppHarness(policy=policy, files=app.files, database=app.database)
    await other_settings.media.rebuild_variants(TemporaryFile)
    found = await moderation(app).get(OPERATOR, item.id)
    assert found.is_hidden
    [variant] = found.variants

    del app.files.contents[variant.storage_key]
    findings = await app.media.check_media.find(lambda _: None)
    assert (findings.items, findings.items_without_variant) == (1, [item.id])


async def test_a_moderator_acts_on_media_of_members_also_in_the_app(app: AppHarness) -> None:
    owner, other = await app.add_user(), await app.add_administrator(a_phone(2))
    moderator = await app.add_user(a_phone(3), "Mo")
    await app.identities.operator_actions.change_role(moderator.identity.id, Role.MODERATOR)
    moderator = await app.log_in(a_phone(3))
    items = app.use_cases.of(LibraryFeature).moderate_items
    of_member = (await app.upload_image(owner)).item
    of_staff = (await app.upload_image(other)).item

    await items.hide(staff(Role.MODERATOR), of_member.id, REASON)
    await items.unhide(staff(Role.MODERATOR), of_member.id, REASON)
    await app.media.categorize_item(moderator, of_member.id, "art")
    await app.media.delete_item(moderator, of_member.id)
    assert app.database.audit_entries[-1].actor.role is Role.MODERATOR
    with pytest.raises(Forbidden):
        await items.hide(staff(Role.MODERATOR), of_staff.id, REASON)
    with pytest.raises(Forbidden):
        await app.media.delete_item(moderator, of_staff.id)
    with pytest.raises(Forbidden):
        await app.upload_image(moderator, owner_id=owner.identity.id)


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
