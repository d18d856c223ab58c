"""Decoding of uploaded images and encoding for publication."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from domain.media.image import Image, VariantSpec


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image that was encoded by the service: without metadata, and upright.

    Attributes:
        image: Its properties.
        file: Its bytes, open at their beginning.
    """

    image: Image
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """The image that is published, and its variants by name."""

    full: EncodedImage
    variants: Mapping[str, EncodedImage]


class ImagePublisher(Protocol):
    """Decodes an upload and encodes it for publication."""

    def publish(
        self, upload: BinaryIO, identity_id: str, variants: Sequence[VariantSpec] = ()
    ) -> AbstractAsyncContextManager[PublishedImage]:
        """Decode the upload and encode it anew, outside the event loop.

        - Only the bytes decide the format; the file name and the claimed type are ignored.
        - `upload` has a descriptor, is read from its beginning, and stays open.
        - `identity_id` is who uploads. The images of one identity do not delay those of others.
        - Each spec yields one variant of the same name.
        - The files of the result are closed at the end of the block.

        Raises:
            UnsupportedImageType: The bytes have none of the accepted formats.
            InvalidImage: The image is broken or exceeds a limit. The message names the limit.
            TooManyUploads: Too many images are waiting.
            TooManyPixels: The identity has published too many pixels in the last hour.
            NoUploadSpace: The temporary folder is full.
            Unavailable: The service is stopping.
        """
        ...

    def encode_variants(
        self, published: BinaryIO, variants: Sequence[VariantSpec]
    ) -> AbstractAsyncContextManager[Mapping[str, EncodedImage]]:
        """Encode variants of an image that was published before, by name.

        It takes turns with uploads and counts for no identity. `published` has a descriptor, is
        read from its beginning, and stays open. The files are closed at the end of the block.

        Raises:
            UnsupportedImageType, InvalidImage, TooManyUploads, NoUploadSpace, Unavailable
        """
        ...
