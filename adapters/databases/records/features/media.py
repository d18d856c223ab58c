"""The records of the library: items, what users have in it, and idempotency keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, combinations
from typing import Final, Literal

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import (
    EXPIRES_AT,
    Index,
    Record,
    RecordKind,
    index_by_time,
)
from adapters.databases.records.record_repository import (
    MAX_SKIPPED,
    NOT_CLEANED_UP,
    RecordRepository,
    to_position,
)
from adapters.databases.records.record_store import IndexPosition, StoredRecord
from adapters.databases.records.retention import Retention
from application.features.media.ports import MediaRepositories
from application.ports.versioned import Versioned
from domain.cursor import Cursor
from domain.features.media.image import Image
from domain.features.media.item import (
    MAX_CATEGORY_LENGTH,
    ItemFilter,
    ItemState,
    MediaItem,
    Variant,
)
from domain.features.media.usage import IdempotencyKey, MediaUsage
from domain.identifier import IDENTIFIER_LENGTH

BATCH_SIZE: Final = 500
ITEM_FILTERS: Final = ("owner_id", "kind", "category")
_FILTERS: Final = chain.from_iterable(combinations(ITEM_FILTERS, count) for count in range(4))


class MediaItemRecord(Record, kw_only=True):
    """An item of the library. `kind` follows from its image."""

    id: str
    storage_key: str
    owner_id: str
    kind: Literal["image", "gif"]
    category: str | None = None
    image: Image
    created_at: datetime
    state: Literal["pending", "ready", "hidden", "deleting", "deletion_refused"]
    upload_deadline: datetime
    deletion_requested_at: datetime | None = None
    variants: tuple[Variant, ...] = ()
    unused_keys: tuple[str, ...] = ()
    has_been_ready: bool = False


class MediaUsageRecord(Record, kw_only=True):
    """The usage of one user. `recount_at` follows from the ids in `pending`."""

    id: str
    bytes: int
    items: int
    pending: dict[str, int] = msgspec.field(default_factory=dict)
    subtracted_ids: tuple[str, ...] = ()
    recount_at: datetime | None = None


class IdempotencyKeyRecord(Record, kw_only=True):
    """The key of one upload."""

    id: str
    fingerprint: str
    item_id: str
    upload_deadline: datetime
    expires_at: datetime
    is_complete: bool = False


ITEM_PAGES: Final = {
    filters: Index(
        name="_".join(["media_items_page", *filters]),
        equal=("state", *filters),
        order="created_at",
        is_paged=True,
    )
    for filters in _FILTERS
}
"""An index for each combination of filters, so that every page is a range of an index."""

UPLOAD_DEADLINES: Final = Index(
    name="media_items_upload_deadline", order="upload_deadline", only=(("state", "pending"),)
)
REQUESTED_DELETIONS: Final = index_by_time(
    "media_items_deletion_requested_at", "deletion_requested_at"
)

OWNED_ITEMS: Final = Index(
    name="media_items_owned",
    equal=("owner_id",),
    order="created_at",
    is_paged=True,
    absent=("deletion_requested_at",),
)
"""The items of an owner that are not marked for deletion, whatever else their state is.

An item that becomes ready, or is hidden or shown again, keeps its place.
"""

MEDIA_ITEMS: Final = RecordKind(
    "media_items",
    MediaItemRecord,
    UPLOAD_DEADLINES,
    REQUESTED_DELETIONS,
    *ITEM_PAGES.values(),
    OWNED_ITEMS,
    max_lengths={"owner_id": IDENTIFIER_LENGTH, "category": MAX_CATEGORY_LENGTH},
    retention=(
        Retention(
            "items of the library: who uploaded what, when, in which category",
            "id storage_key owner_id category created_at kind state image(format width height"
            " bytes) variants(name size storage_key image(format width height bytes)) unused_keys"
            " has_been_ready upload_deadline deletion_requested_at",
            "until the item or account is deleted, and an hour more",
            "the library",
            "deletion, then cleanup",
            "`library.json`, `library/`",
        ),
    ),
)

MEDIA_USAGES: Final = RecordKind(
    "media_usages",
    MediaUsageRecord,
    index_by_time("media_usages_recount_at", "recount_at"),
    retention=(
        Retention(
            "how many items and bytes a user has",
            "id bytes items pending subtracted_ids recount_at",
            "as long as the account",
            "quotas",
            "deletion, then cleanup",
            "`library.json`",
        ),
    ),
)

IDEMPOTENCY_KEYS: Final = RecordKind(
    "idempotency_keys",
    IdempotencyKeyRecord,
    Index(name="idempotency_keys_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "uploads and imported items: hashes of the user with the key, and of the file",
            "id fingerprint item_id upload_deadline expires_at is_complete",
            "one day; of an imported item 400 days",
            "none is stored twice",
        ),
    ),
)


class StoredMediaItems(RecordRepository[MediaItem, MediaItemRecord]):
    """The items of the library, in any state."""

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[MediaItem]:
        return await self._list(item_filter, None, limit, offset)

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        return await self._list(item_filter, cursor, limit, 0)

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        index, equal = _select(item_filter)
        # Nearly all items are ready.
        may_estimate = index is ITEM_PAGES[()] and not item_filter.is_hidden
        return await self.store.count(self.kind, index, equal, limit, may_estimate=may_estimate)

    async def list_of_owner(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        return await self.list_owned_by(OWNED_ITEMS, owner_id, limit)

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        records = await self.store.scan(self.kind, after_id, limit)
        return [self.read(stored) for stored in records]

    async def list_sizes(self, owner_id: str) -> Mapping[str, int]:
        return {
            stored.id: stored.record.image.bytes
            for stored in await self._find_all(OWNED_ITEMS, [owner_id])
            if stored.record.state != "pending"
        }

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        states = (ItemState.DELETING, ItemState.DELETION_REFUSED)
        return [
            stored.id
            for state in states
            for stored in await self._find_all(ITEM_PAGES["owner_id",], [state.value, owner_id])
            if (requested_at := stored.record.deletion_requested_at) is not None
            and requested_at > requested_after
        ]

    async def list_expired_uploads(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[MediaItem]]:
        return await self.list_until(UPLOAD_DEADLINES, now, limit, offset)

    async def list_deleting(
        self, requested_before: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[MediaItem]]:
        return await self.list_until(REQUESTED_DELETIONS, requested_before, limit, offset)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        return await self.list_readable(
            ITEM_PAGES[()],
            NOT_CLEANED_UP,
            [ItemState.DELETION_REFUSED.value],
            limit=limit,
            max_skipped=MAX_SKIPPED,
        )

    async def _list(
        self, item_filter: ItemFilter, cursor: Cursor | None, limit: int, offset: int
    ) -> Sequence[MediaItem]:
        index, equal = _select(item_filter)
        records = await self.store.find(
            self.kind,
            index,
            equal,
            after=to_position(cursor),
            newest_first=True,
            limit=limit,
            offset=offset,
        )
        return [self.mapping.to_value(stored.record) for stored in records]

    async def _find_all(
        self, index: Index, equal: Sequence[str]
    ) -> Sequence[StoredRecord[MediaItemRecord]]:
        found, last = list[StoredRecord[MediaItemRecord]](), None
        while batch := await self.store.find(self.kind, index, equal, after=last, limit=BATCH_SIZE):
            found += batch
            if len(batch) < BATCH_SIZE:
                break
            last = IndexPosition(batch[-1].record.created_at, batch[-1].id)
        return found


class StoredMediaUsages(RecordRepository[MediaUsage, MediaUsageRecord]):
    """What users have in the library, by the id of the user."""

    async def list_due(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[MediaUsage]]:
        return await self.list_until(self.kind.find_index("recount_at"), now, limit, offset)


def make_media_repositories(database: Database) -> MediaRepositories:
    """Return the repositories of the library."""
    store = database.records
    return MediaRepositories(
        items=StoredMediaItems(store, RecordMapping(MEDIA_ITEMS, MediaItem)),
        usages=StoredMediaUsages(
            store, RecordMapping(MEDIA_USAGES, MediaUsage), do_ids_return=True
        ),
        idempotency_keys=RecordRepository(
            store, RecordMapping(IDEMPOTENCY_KEYS, IdempotencyKey), do_ids_return=True
        ),
    )


def _select(item_filter: ItemFilter) -> tuple[Index, Sequence[str]]:
    state = ItemState.HIDDEN if item_filter.is_hidden else ItemState.READY
    values = {name: getattr(item_filter, name) for name in ITEM_FILTERS}
    given = {name: value for name, value in values.items() if value is not None}
    return ITEM_PAGES[tuple(given)], [state.value, *given.values()]


KINDS: Final = (MEDIA_ITEMS, MEDIA_USAGES, IDEMPOTENCY_KEYS)
