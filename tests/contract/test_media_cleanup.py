from collections.abc import Sequence
from datetime import timedelta

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem
from domain.media.usage import MediaUsage
from tests.support.builders import NOW, a_gif, an_id, an_idempotency_key, an_item, made_id

OWNER = an_id(901)
MINUTE = timedelta(minutes=1)


def pending(number: int, **changes: object) -> MediaItem:
    return an_item(id=an_id(number), state=ItemState.PENDING, **changes)


async def add_items(repositories: Repositories, *items: MediaItem) -> None:
    for item in items:
        await repositories.media_items.add(item)


def by_id(found: Sequence[Versioned[MediaItem]]) -> dict[str, Versioned[MediaItem]]:
    assert len({item.value.id for item in found}) == len(found)
    return {item.value.id: item for item in found}


async def test_an_owners_items_are_listed_until_they_are_marked_for_deletion(
    repositories: Repositories,
) -> None:
    ready, uploading = an_item(id=an_id(1), owner_id=OWNER), pending(2, owner_id=OWNER)
    deleting = an_item(id=an_id(3), owner_id=OWNER).mark_for_deletion(NOW)
    await add_items(
        repositories, ready, uploading, deleting, an_item(id=an_id(4), owner_id=an_id(902))
    )

    found = by_id(await repositories.media_items.list_owned_by(OWNER, 10))

    assert found == {ready.id: Versioned(ready, 1), uploading.id: Versioned(uploading, 1)}
    assert len(await repositories.media_items.list_owned_by(OWNER, 1)) == 1


async def test_an_upload_is_expired_at_its_deadline(repositories: Repositories) -> None:
    expired = pending(1, upload_deadline=NOW - MINUTE)
    just_expired = pending(2, upload_deadline=NOW)
    uploading = pending(3, upload_deadline=NOW + timedelta(milliseconds=1))
    finished = an_item(id=an_id(4), upload_deadline=NOW - MINUTE)
    await add_items(repositories, expired, just_expired, uploading, finished)

    found = by_id(await repositories.media_items.list_expired_uploads(NOW, 10))

    assert found == {expired.id: Versioned(expired, 1), just_expired.id: Versioned(just_expired, 1)}
    assert len(await repositories.media_items.list_expired_uploads(NOW, 1)) == 1
    for item in found.values():
        marked = item.value.mark_for_deletion(NOW)
        assert await repositories.media_items.replace(marked, item.version)
    assert list(await repositories.media_items.list_expired_uploads(NOW, 10)) == []


async def test_deleting_items_are_listed_by_the_time_of_the_request(
    repositories: Repositories,
) -> None:
    before = an_item(id=an_id(1)).mark_for_deletion(NOW - MINUTE)
    at_that_time = an_item(id=an_id(2)).mark_for_deletion(NOW)
    later = an_item(id=an_id(3)).mark_for_deletion(NOW + timedelta(milliseconds=1))
    await add_items(repositories, before, at_that_time, later, an_item(id=an_id(4)), pending(5))

    found = by_id(await repositories.media_items.list_deleting(NOW, 10))

    assert found == {before.id: Versioned(before, 1), at_that_time.id: Versioned(at_that_time, 1)}
    assert len(await repositories.media_items.list_deleting(NOW, 1)) == 1
    for item in found.values():
        assert await repositories.media_items.delete(item.value.id, item.version)
    assert list(await repositories.media_items.list_deleting(NOW, 10)) == []


async def test_refused_deletions_are_listed_until_the_file_is_deleted_the_oldest_first(
    repositories: Repositories,
) -> None:
    newer, older = (
        an_item(id=an_id(number), created_at=NOW - number * MINUTE)
        .mark_for_deletion(NOW - number * MINUTE)
        .mark_deletion_refused()
        for number in (1, 2)
    )
    await add_items(
        repositories,
        newer,
        older,
        an_item(id=an_id(3)).mark_for_deletion(NOW),
        an_item(id=an_id(4)),
    )

    found = await repositories.media_items.list_refused_deletions(10)
    assert list(found) == [Versioned(older, 1), Versioned(newer, 1)]
    assert len(await repositories.media_items.list_refused_deletions(1)) == 1

    assert await repositories.media_items.replace(older.mark_for_deletion(NOW), 1)
    found = await repositories.media_items.list_refused_deletions(10)
    assert list(found) == [Versioned(newer, 1)]


async def test_the_cleanup_still_finds_an_item_whose_deletion_was_refused(
    repositories: Repositories,
) -> None:
    refused = an_item(owner_id=OWNER).mark_for_deletion(NOW).mark_deletion_refused()
    await add_items(repositories, refused)

    assert list(await repositories.media_items.list_deleting(NOW, 10)) == [Versioned(refused, 1)]
    assert list(await repositories.media_items.list_owned_by(OWNER, 10)) == []


async def test_all_items_are_listed_by_id(repositories: Repositories) -> None:
    items = [an_item(id=an_id(3)), pending(1), an_item(id=an_id(2)).mark_for_deletion(NOW)]
    await add_items(repositories, *items)
    for after_id, limit, listed in (("", 2, [1, 2]), (an_id(1), 9, [2, 3]), (an_id(3), 9, [])):
        found = await repositories.media_items.list_by_id(after_id, limit)
        assert [item.value.id for item in found] == [an_id(number) for number in listed]


async def test_ready_and_recently_deleted_items_of_an_owner_are_listed_for_a_recount(
    repositories: Repositories,
) -> None:
    deleting = [
        an_item(id=an_id(number), owner_id=OWNER).mark_for_deletion(NOW + number * MINUTE)
        for number in (0, 1, 2)
    ]
    await add_items(
        repositories,
        an_item(id=an_id(11), owner_id=OWNER),
        a_gif(id=an_id(12), owner_id=OWNER),
        pending(13, owner_id=OWNER),
        *[*deleting[:2], deleting[2].mark_deletion_refused()],
        an_item(id=an_id(14), owner_id=an_id(902)).mark_for_deletion(NOW + MINUTE),
    )

    ready = await repositories.media_items.list_ready_sizes(OWNER)
    assert ready == {an_id(11): 51_200, an_id(12): 4096}
    recent = await repositories.media_items.list_deleting_ids(OWNER, NOW)
    assert sorted(recent) == [an_id(1), an_id(2)]


async def test_a_usage_is_due_when_an_upload_has_failed_the_earliest_first(
    repositories: Repositories,
) -> None:
    usages = [
        MediaUsage(an_id(1), pending={made_id(1): 1}),
        MediaUsage(an_id(2), pending={an_id(2): 1, made_id(2): 1}),
        MediaUsage(an_id(3), items=1),
    ]
    for usage in usages:
        await repositories.media_usages.add(usage)
    due_at = usages[0].recount_at
    assert due_at is not None
    for now, limit, due in ((NOW, 9, [2]), (due_at, 9, [2, 1]), (due_at, 1, [2])):
        found = await repositories.media_usages.list_due(now, limit)
        assert [usage.value.id for usage in found] == [an_id(number) for number in due]


async def test_idempotency_keys_are_deleted_when_they_expire(repositories: Repositories) -> None:
    keys = repositories.idempotency_keys
    for number in range(3):
        expires_at = NOW + number * MINUTE
        await keys.add(an_idempotency_key(id=str(number), expires_at=expires_at))
    assert await keys.delete_expired(NOW + MINUTE, 1) == 1
    assert await keys.delete_expired(NOW + MINUTE, 9) == 1
    assert await keys.load("1") is None
    assert await keys.load("2") is not None
