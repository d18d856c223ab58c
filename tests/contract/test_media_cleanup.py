from collections.abc import Sequence
from datetime import timedelta

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem
from tests.support.builders import NOW, an_id, an_item

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

    found = by_id(await repositories.media_cleanup.list_owned_by(OWNER, 10))

    assert found == {ready.id: Versioned(ready, 1), uploading.id: Versioned(uploading, 1)}


async def test_an_upload_is_expired_at_its_deadline(repositories: Repositories) -> None:
    expired = pending(1, upload_deadline=NOW - MINUTE)
    just_expired = pending(2, upload_deadline=NOW)
    uploading = pending(3, upload_deadline=NOW + timedelta(milliseconds=1))
    finished = an_item(id=an_id(4), upload_deadline=NOW - MINUTE)
    await add_items(repositories, expired, just_expired, uploading, finished)

    found = by_id(await repositories.media_cleanup.list_expired_uploads(NOW, 10))

    assert found == {expired.id: Versioned(expired, 1), just_expired.id: Versioned(just_expired, 1)}
    assert len(await repositories.media_cleanup.list_expired_uploads(NOW, 1)) == 1


async def test_deleting_items_are_listed_by_the_time_of_the_request(
    repositories: Repositories,
) -> None:
    before = an_item(id=an_id(1)).mark_for_deletion(NOW - MINUTE)
    at_that_time = an_item(id=an_id(2)).mark_for_deletion(NOW)
    later = an_item(id=an_id(3)).mark_for_deletion(NOW + timedelta(milliseconds=1))
    await add_items(repositories, before, at_that_time, later, an_item(id=an_id(4)), pending(5))

    found = by_id(await repositories.media_cleanup.list_deleting(NOW, 10))

    assert found == {before.id: Versioned(before, 1), at_that_time.id: Versioned(at_that_time, 1)}
    assert len(await repositories.media_cleanup.list_deleting(NOW, 1)) == 1


async def test_refused_deletions_are_listed_until_the_file_is_deleted_the_oldest_first(
    repositories: Repositories,
) -> None:
    newer, older = (
        an_item(id=an_id(number), created_at=NOW - number * MINUTE)
        .mark_for_deletion(NOW)
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

    found = await repositories.media_cleanup.list_refused_deletions(10)
    assert list(found) == [Versioned(older, 1), Versioned(newer, 1)]
    assert len(await repositories.media_cleanup.list_refused_deletions(1)) == 1

    assert await repositories.media_items.replace(older.mark_file_deleted(), 1)
    found = await repositories.media_cleanup.list_refused_deletions(10)
    assert list(found) == [Versioned(newer, 1)]


async def test_the_cleanup_still_finds_an_item_whose_deletion_was_refused(
    repositories: Repositories,
) -> None:
    refused = an_item(owner_id=OWNER).mark_for_deletion(NOW).mark_deletion_refused()
    await add_items(repositories, refused)

    assert list(await repositories.media_cleanup.list_deleting(NOW, 10)) == [Versioned(refused, 1)]
    assert list(await repositories.media_cleanup.list_owned_by(OWNER, 10)) == []
