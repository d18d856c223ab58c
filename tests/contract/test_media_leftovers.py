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


async def keep(records: Repositories, *items: MediaItem) -> None:
    for item in items:
        await records.media_items.add(item)


def by_id(found: Sequence[Versioned[MediaItem]]) -> dict[str, Versioned[MediaItem]]:
    assert len({one.value.id for one in found}) == len(found)
    return {one.value.id: one for one in found}


async def test_an_owners_items_are_told_until_they_are_doomed(records: Repositories) -> None:
    ready, uploading = an_item(id=an_id(1), owner_id=OWNER), pending(2, owner_id=OWNER)
    doomed = an_item(id=an_id(3), owner_id=OWNER).mark_for_deletion(NOW)
    await keep(records, ready, uploading, doomed, an_item(id=an_id(4), owner_id=an_id(902)))

    found = by_id(await records.media_cleanup.list_owned_by(OWNER, 10))

    assert found == {ready.id: Versioned(ready, 1), uploading.id: Versioned(uploading, 1)}


async def test_dooming_what_is_told_comes_to_an_end(records: Repositories) -> None:
    await keep(records, *(an_item(id=an_id(number), owner_id=OWNER) for number in range(5)))

    rounds = 0
    while found := await records.media_cleanup.list_owned_by(OWNER, 2):
        assert len(found) <= 2
        for one in found:
            assert await records.media_items.replace(one.value.mark_for_deletion(NOW), one.version)
        rounds += 1

    assert rounds == 3


async def test_an_upload_is_abandoned_when_its_lease_is_over(records: Repositories) -> None:
    over = pending(1, upload_deadline=NOW - MINUTE)
    just_over = pending(2, upload_deadline=NOW)
    under_way = pending(3, upload_deadline=NOW + timedelta(milliseconds=1))
    finished = an_item(id=an_id(4), upload_deadline=NOW - MINUTE)
    await keep(records, over, just_over, under_way, finished)

    found = by_id(await records.media_cleanup.list_expired_uploads(NOW, 10))

    assert found == {over.id: Versioned(over, 1), just_over.id: Versioned(just_over, 1)}
    assert len(await records.media_cleanup.list_expired_uploads(NOW, 1)) == 1


async def test_an_abandoned_upload_is_told_until_it_is_doomed(records: Repositories) -> None:
    await keep(records, pending(1, upload_deadline=NOW))
    [found] = await records.media_cleanup.list_expired_uploads(NOW, 10)

    assert await records.media_items.replace(found.value.mark_for_deletion(NOW), found.version)
    assert list(await records.media_cleanup.list_expired_uploads(NOW, 10)) == []


async def test_doomed_items_are_told_by_when_they_were_doomed(records: Repositories) -> None:
    long_ago = an_item(id=an_id(1)).mark_for_deletion(NOW - MINUTE)
    just_then = an_item(id=an_id(2)).mark_for_deletion(NOW)
    later = an_item(id=an_id(3)).mark_for_deletion(NOW + timedelta(milliseconds=1))
    await keep(records, long_ago, just_then, later, an_item(id=an_id(4)), pending(5))

    found = by_id(await records.media_cleanup.list_deleting(NOW, 10))

    assert found == {long_ago.id: Versioned(long_ago, 1), just_then.id: Versioned(just_then, 1)}
    assert len(await records.media_cleanup.list_deleting(NOW, 1)) == 1


async def test_a_forgotten_item_is_told_no_more(records: Repositories) -> None:
    await keep(records, an_item().mark_for_deletion(NOW))
    [found] = await records.media_cleanup.list_deleting(NOW, 10)

    assert await records.media_items.delete(found.value.id, found.version)
    assert list(await records.media_cleanup.list_deleting(NOW, 10)) == []
