from io import BytesIO
from typing import BinaryIO, Final

from PIL import Image as Pillow

from application.ports.images import PublishedImage
from domain.errors import InvalidImage, InvalidImageReason, UnsupportedImageType
from domain.media.image import Image, ImageFormat, ImageLimits

_BEGIN_AND_END: Final = {
    ImageFormat.JPEG: (b"\xff\xd8\xff", b"\xff\xd9"),
    ImageFormat.PNG: (b"\x89PNG\r\n\x1a\n", b"IEND"),
    ImageFormat.GIF: (b"GIF8", b"\0;"),
}
_MAX_PIXELS: Final = ImageLimits().max_pixels


class FakeImagePublisher:
    """Reads the first bytes, the size and the end of an image. The result has no pixels.

    `uploader_ids` has the identities of all calls, in order.
    """

    def __init__(self) -> None:
        self.uploader_ids: list[str] = []

    async def publish(self, upload: BinaryIO, identity_id: str) -> PublishedImage:
        self.uploader_ids.append(identity_id)
        content = upload.read()
        for image_format, (begin, end) in _BEGIN_AND_END.items():
            if content.startswith(begin):
                width, height = _size(content)
                if end not in content:
                    raise InvalidImage
                published = content[:6] if image_format is ImageFormat.GIF else begin
                image = Image(image_format, width, height, len(published))
                return PublishedImage(image, published)
        raise UnsupportedImageType


def _size(content: bytes) -> tuple[int, int]:
    try:
        width, height = Pillow.open(BytesIO(content)).size
        if width * height <= _MAX_PIXELS:
            return width, height
    except OSError as error:
        raise InvalidImage from error
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        pass
    message = f"The image has more than {_MAX_PIXELS} pixels."
    raise InvalidImage(message, InvalidImageReason.TOO_MANY_PIXELS, _MAX_PIXELS)
