"""What a picture is, and what is refused as one."""

from dataclasses import dataclass
from enum import StrEnum


class MediaKind(StrEnum):
    """What the bytes are, whatever was claimed."""

    IMAGE = "image"
    GIF = "gif"


class PictureFormat(StrEnum):
    """The formats that are read and served."""

    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"

    @property
    def kind(self) -> MediaKind:
        """`gif` for GIF, still or moving; `image` for the others."""
        return MediaKind.GIF if self is PictureFormat.GIF else MediaKind.IMAGE

    @property
    def content_type(self) -> str:
        """The registered media type."""
        return f"image/{self.value}"

    @property
    def suffix(self) -> str:
        """The usual file name suffix, with its dot."""
        return ".jpg" if self is PictureFormat.JPEG else f".{self.value}"


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a picture may cost to decode (OWASP ASVS 5.0 5.2.6).

    `pixels` of one frame, `frames` of one file, `all_pixels` of all frames together (each as
    large as the whole picture), `seconds` of work, and `bytes` of what comes out.
    """

    pixels: int = 50_000_000
    frames: int = 500
    all_pixels: int = 150_000_000
    seconds: float = 20.0
    bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a published picture: size in pixels as shown, and in bytes."""

    format: PictureFormat
    width: int
    height: int
    bytes: int
