"""Image formats, limits and properties."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FULL_IMAGE: Final = "full"
"""The name of the image itself, beside the names of its variants."""


class MediaKind(StrEnum):
    """Kind of a library item, detected from its bytes and never from what the client claims."""

    IMAGE = "image"
    GIF = "gif"


class SourceFormat(StrEnum):
    """Formats of uploads that can be decoded; HEIC stands for HEIF too."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    HEIC = "heic"


class ImageFormat(StrEnum):
    """Formats that are served; WebP only for variants."""

    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"
    WEBP = "webp"

    @property
    def kind(self) -> MediaKind:
        return MediaKind.GIF if self is ImageFormat.GIF else MediaKind.IMAGE

    @property
    def content_type(self) -> str:
        return f"image/{self.value}"

    @property
    def suffix(self) -> str:
        """Return the usual file name suffix, with its dot."""
        return ".jpg" if self is ImageFormat.JPEG else f".{self.value}"


MAX_JPEG_PIXELS: Final = 120_000_000
"""As many as the cameras of phones make. A decoder scales a JPEG while it decodes, in the memory of
the smaller image."""
MAX_FRAMES: Final = 500
"""Half a minute at the usual rate of animations. The pixels of all frames are limited as well."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Limits for decoding and encoding one image (OWASP ASVS 5.0 5.2.6).

    Attributes:
        max_jpeg_pixels: Pixels of a JPEG, which is scaled down to `max_pixels` if it has more.
        max_frames: Frames of a GIF.
        max_total_pixels: Pixels of all its frames. Each frame counts as the whole canvas.
        max_seconds: Processor time for decoding and encoding.
        max_bytes: Size of the encoded result.
    """

    max_pixels: int = 50_000_000
    max_jpeg_pixels: int = MAX_JPEG_PIXELS
    max_frames: int = MAX_FRAMES
    max_total_pixels: int = 150_000_000
    max_seconds: float = 20.0
    max_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Image:
    """Properties of a published image: format, width and height in pixels, size in bytes."""

    format: ImageFormat
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """A smaller copy to encode: JPEG or PNG for stills, GIF for animations, or WebP for both.

    Attributes:
        width: Maximum width in pixels, or with `is_exact` the width.
        height: Maximum height in pixels, or with `is_exact` the height.
        is_exact: Stretch the image to this size. Otherwise it keeps its proportions, and one that
            is smaller keeps its size.
    """

    name: str
    width: int
    height: int
    is_exact: bool = False
    is_webp: bool = False

    @property
    def size(self) -> str:
        """The size as in the settings, such as 320x320, or 64x64! if it is exact."""
        return f"{self.width}x{self.height}{'!' * self.is_exact}"
