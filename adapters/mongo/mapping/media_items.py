"""The mapping of media items."""

from typing import Final

from adapters.mongo.documents.media_items import ImageFields, MediaItemDocument
from adapters.mongo.driver import RawDocument
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.item import ItemState, MediaItem

STORED_IMAGE_FORMATS: Final = {
    ImageFormat.JPEG: "jpeg",
    ImageFormat.PNG: "png",
    ImageFormat.GIF: "gif",
}
STORED_MEDIA_KINDS: Final = {MediaKind.IMAGE: "image", MediaKind.GIF: "gif"}
STORED_ITEM_STATES: Final = {
    ItemState.PENDING: "pending",
    ItemState.READY: "ready",
    ItemState.DELETING: "deleting",
    ItemState.DELETION_REFUSED: "deletion_refused",
}

_IMAGE_FORMATS: Final = {stored: value for value, stored in STORED_IMAGE_FORMATS.items()}
_ITEM_STATES: Final = {stored: state for state, stored in STORED_ITEM_STATES.items()}


def decode_media_item(stored: MediaItemDocument) -> MediaItem:
    """Make a library item from its document."""
    return MediaItem(
        id=stored.id,
        owner_id=stored.owner_id,
        storage_key=stored.storage_key,
        image=_decode_image(stored.image),
        category=stored.category,
        created_at=stored.created_at,
        state=_ITEM_STATES[stored.state],
        upload_deadline=stored.upload_deadline,
        deletion_requested_at=stored.deletion_requested_at,
    )


def encode_media_item(item: MediaItem) -> RawDocument:
    """Return the fields of a library item."""
    return {
        "_id": item.id,
        "storage_key": item.storage_key,
        "owner_id": item.owner_id,
        "kind": STORED_MEDIA_KINDS[item.kind],
        "image": _encode_image(item.image),
        "category": item.category,
        "created_at": item.created_at,
        "state": STORED_ITEM_STATES[item.state],
        "upload_deadline": item.upload_deadline,
        "deletion_requested_at": item.deletion_requested_at,
    }


def _decode_image(stored: ImageFields) -> Image:
    return Image(
        format=_IMAGE_FORMATS[stored.format],
        width=stored.width,
        height=stored.height,
        bytes=stored.size_bytes,
    )


def _encode_image(image: Image) -> RawDocument:
    return {
        "format": STORED_IMAGE_FORMATS[image.format],
        "width": image.width,
        "height": image.height,
        "size_bytes": image.bytes,
    }
