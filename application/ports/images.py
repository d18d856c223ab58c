"""Decoding of uploaded images and encoding for publication."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol

from domain.media.image import Image


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """An image that was encoded anew: without metadata, and rotated as its EXIF says."""

    image: Image
    content: bytes


class ImagePublisher(Protocol):
    """Decodes an upload and encodes it for publication."""

    async def publish(self, upload: BinaryIO, identity_id: str) -> PublishedImage:
        """Decode the upload and encode it anew, outside the event loop.

        - Only the bytes decide the format; the file name and the claimed type are ignored.
        - `upload` is read from its current position and stays open.
        - `identity_id` is who uploads. The images of one identity do not delay those of others.

        Raises:
            UnsupportedImageType: The bytes have none of the supported formats.
            InvalidImage: The image is broken or exceeds a limit. The message names the limit.
            TooManyUploads: Too many images are waiting.
            TooManyPixels: The identity has published too many pixels in the last hour.
            Unavailable: The service is stopping.
        """
        ...
