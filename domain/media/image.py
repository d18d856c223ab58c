"""Image formats, limits and properties."""

from dataclasses import dataclass
from enum import StrEnum


class MediaKind(StrEnum):
    """Kind of a library item, detected from its bytes and never from what the client claims."""

    IMAGE = "image"
    GIF = "gif"


class ImageFormat(StrEnum):
    """Formats that are decoded and served."""

    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"

    @property
    def kind(self) -> MediaKind:
        """Return `gif` for GIF, animated or not, and `image` for the other formats."""
        return MediaKind.GIF if self is ImageFormat.GIF else MediaKind.IMAGE

    @property
    def content_type(self) -> str:
        """Return the registered media type."""
        return f"image/{self.value}"

    @property
    def suffix(self) -> str:
        """Return the usual file name suffix, with its dot."""
        return ".jpg" if self is ImageFormat.JPEG else f".{self.value}"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Limits for decoding and encoding one image (OWASP ASVS 5.0 5.2.6).

    Attributes:
        max_pixels: Pixels of one frame.
        max_frames: Frames of one file.
        max_total_pixels: Pixels of all frames together. Each frame counts as the whole canvas.
        max_seconds: Time for decoding and encoding.
        max_bytes: Size of the encoded result.
    """

    max_pixels: int = 50_000_000
    max_frames: int = 500
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
