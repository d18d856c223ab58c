"""The stored form of media items."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from adapters.sqlite.record_mapping import RecordMapping, StoredFields
from domain.media.image import Image, ImageFormat
from domain.media.item import ItemState, MediaItem

ImageFormatName = Literal["jpeg", "png", "gif"]
StateName = Literal["pending", "ready", "deleting", "deletion_refused"]

_IMAGE_FORMATS: Final[Mapping[ImageFormatName, ImageFormat]] = {
    "jpeg": ImageFormat.JPEG,
    "png": ImageFormat.PNG,
    "gif": ImageFormat.GIF,
}
_STATES: Final[Mapping[StateName, ItemState]] = {
    "pending": ItemState.PENDING,
    "ready": ItemState.READY,
    "deleting": ItemState.DELETING,
    "deletion_refused": ItemState.DELETION_REFUSED,
}
_IMAGE_FORMAT_NAMES: Final = {image_format: name for name, image_format in _IMAGE_FORMATS.items()}
_STATE_NAMES: Final = {state: name for name, state in _STATES.items()}


class StoredImage(StoredFields):
    """The image of a media item, in pixels and bytes."""

    format: ImageFormatName
    width: int
    height: int
    size_bytes: int


class StoredMediaItem(StoredFields):
    """The body in table `media_items`."""

    id: str
    storage_key: str
    owner_id: str
    image: StoredImage
    created_at: datetime
    state: StateName
    upload_deadline: datetime
    category: str | None = None
    deletion_requested_at: datetime | None = None


class MediaItemMapping(RecordMapping[MediaItem, StoredMediaItem]):
    """Maps the items of the library."""

    stored_type: type[StoredMediaItem] = StoredMediaItem

    def to_stored(self, value: MediaItem) -> StoredMediaItem:
        """Return the stored form of a media item."""
        image = value.image
        return StoredMediaItem(
            id=value.id,
            storage_key=value.storage_key,
            owner_id=value.owner_id,
            image=StoredImage(
                format=_IMAGE_FORMAT_NAMES[image.format],
                width=image.width,
                height=image.height,
                size_bytes=image.bytes,
            ),
            category=value.category,
            created_at=value.created_at,
            state=_STATE_NAMES[value.state],
            upload_deadline=value.upload_deadline,
            deletion_requested_at=value.deletion_requested_at,
        )

    def to_domain(self, stored: StoredMediaItem) -> MediaItem:
        """Return the media item of a stored form."""
        image = stored.image
        return MediaItem(
            id=stored.id,
            storage_key=stored.storage_key,
            owner_id=stored.owner_id,
            image=Image(
                format=_IMAGE_FORMATS[image.format],
                width=image.width,
                height=image.height,
                bytes=image.size_bytes,
            ),
            category=stored.category,
            created_at=stored.created_at,
            state=_STATES[stored.state],
            upload_deadline=stored.upload_deadline,
            deletion_requested_at=stored.deletion_requested_at,
        )
