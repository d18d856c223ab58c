"""The stored schema of media items."""

from datetime import datetime
from itertools import chain, combinations
from typing import ClassVar, Final, Literal

from adapters.mongo.documents.base import NestedValue, RecordDocument, index, only_with


class ImageFields(NestedValue):
    """The image of a library item."""

    format: Literal["jpeg", "png", "gif"]
    width: int
    height: int
    size_bytes: int


_PAGE_FILTERS: Final = ("owner_id", "kind", "category")
# An index for each combination of filters, so that every page is a range of one. Each begins with
# the state, so that items can be counted without reading their documents.
_PAGE_INDEXES: Final = [
    index(
        "_".join(["media_items", *filters, "created_at"]),
        "state",
        *filters,
        "created_at",
        "_id",
        partialFilterExpression={"state": "ready"},
    )
    for filters in chain.from_iterable(
        combinations(_PAGE_FILTERS, count) for count in range(len(_PAGE_FILTERS) + 1)
    )
]


class MediaItemDocument(RecordDocument):
    """A library item."""

    storage_key: str
    owner_id: str
    kind: Literal["image", "gif"]
    image: ImageFields
    category: str | None = None
    created_at: datetime
    state: Literal["pending", "ready", "deleting", "deletion_refused"]
    upload_deadline: datetime
    deletion_requested_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "media_items"
        indexes: ClassVar = [
            # Not unique: in a sharded collection that would have to begin with the shard key.
            # Storage keys are random enough.
            index("media_items_storage_key", "storage_key"),
            index("media_items_owner_id", "owner_id", "deletion_requested_at"),
            index(
                "media_items_upload_deadline",
                "upload_deadline",
                partialFilterExpression={"state": "pending"},
            ),
            index(
                "media_items_deletion_requested_at",
                "deletion_requested_at",
                **only_with("deletion_requested_at"),
            ),
            index(
                "media_items_deletion_refused",
                "created_at",
                partialFilterExpression={"state": "deletion_refused"},
            ),
            *_PAGE_INDEXES,
        ]
