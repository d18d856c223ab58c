from domain.features.media.item import ItemState
from domain.features.media.usage import MAX_SUBTRACTED, MediaUsage, Quota
from tests.support.builders import NOW, an_id, made_id
from tests.support.media.builders import an_item


def test_a_repetition_of_each_step_changes_nothing() -> None:
    item, quota = an_item(id=made_id()), Quota()
    usage = MediaUsage(an_id(), bytes=10_000_000, items=10)

    reserved = usage.reserve(item.id, item.image.bytes, quota)
    confirmed = reserved.confirm(item.id)
    removed = confirmed.remove(item)

    assert reserved.reserve(item.id, item.image.bytes, quota) == reserved
    assert confirmed.confirm(item.id) == confirmed
    assert removed.remove(item) == removed
    assert (removed.used_bytes, removed.used_items) == (usage.used_bytes, usage.used_items)
    abandoned = reserved.remove(an_item(id=item.id, state=ItemState.PENDING))
    assert abandoned.remove(an_item(id=item.id, state=ItemState.PENDING)) == abandoned == usage


def test_the_record_stays_small_and_a_recount_forgets_what_was_subtracted() -> None:
    usage = MediaUsage(an_id(), bytes=10_000_000_000, items=1000)
    for number in range(2 * MAX_SUBTRACTED):
        usage = usage.remove(an_item(id=an_id(number)))

    assert usage.items == 1000 - 2 * MAX_SUBTRACTED
    assert len(usage.deleting) == MAX_SUBTRACTED
    assert usage.recount({}, [], NOW) == MediaUsage(usage.id)
