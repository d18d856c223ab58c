from dataclasses import dataclass
from typing import BinaryIO, Protocol

from domain.media.picture import Picture


@dataclass(frozen=True, slots=True)
class PublishedPicture:
    """A picture re-encoded for publishing, without metadata and the right way up."""

    picture: Picture
    content: bytes


class Pictures(Protocol):
    """Reads what was uploaded and makes of it what may be published."""

    async def publish(self, upload: BinaryIO) -> PublishedPicture:
        """Decode the bytes (not the name, nor the claimed type) and encode them anew.

        `upload` stands at its beginning and stays open. Works off the event loop.

        Raises:
            UnsupportedImageType: the bytes are of no format that we serve.
            InvalidImage: broken, or beyond the limits; the sentence says which.
            Unavailable: too many others are waiting already.
        """
        ...
