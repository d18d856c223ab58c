"""Malicious files are rejected, and harm no other image."""

import struct
import zlib

import pytest

from adapters.pillow import open_image_publisher
from domain.media.errors import InvalidImage, InvalidImageReason, UnsupportedImageType
from domain.media.image import ImageLimits
from tests.integration.image_publishing import publish_by
from tests.support.images import (
    HEIC_PHOTO,
    PNG_SIGNATURE,
    SECRET,
    chunk,
    encode,
    exif,
    gif,
    gif_frame,
    plain_jpeg,
    sample_image,
    scan_bomb_jpeg,
)

JPEG, PNG = plain_jpeg(), encode(sample_image(), "PNG")
WEBP = encode(sample_image(), "WEBP", exif=b"Exif\0\0" + SECRET, xmp=SECRET)
AVIF = encode(sample_image(), "AVIF", exif=exif(1), xmp=SECRET)
HTML = b"<html><script>alert('" + SECRET + b"')</script>"
ZIP = b"PK\3\4" + SECRET


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP file of these chunks."""
    body = b"WEBP" + b"".join(name + struct.pack("<I", len(data)) + data for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"VP8X", bytes([flags, 0, 0, 0]) + sides


def resized(content: bytes, size: int) -> bytes:
    """Return a JPEG whose header has another size."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", size, size) + content[at + 4 :]


def with_size(content: bytes, width: int, height: int) -> bytes:
    """Return an AVIF or HEIC file whose header has another size."""
    at = content.index(b"ispe") + 8
    return content[:at] + struct.pack(">II", width, height) + content[at + 8 :]


REJECTED = {
    "JPEG of 60,000 x 60,000": resized(JPEG, 60_000),
    "JPEG with thousands of scans": scan_bomb_jpeg(5_000),
    "PNG of 60,000 x 60,000": PNG_SIGNATURE
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(1_000))),
    "GIF of 60,000 x 60,000": gif(60_000, 60_000, [gif_frame(0, 0, 1, 1)]),
    "GIF whose canvas grows": gif(1, 1, [gif_frame(0, 0, 1, 1), gif_frame(60_000, 60_000, 1, 1)]),
    "GIF with thousands of frames": gif(1, 1, [gif_frame(0, 0, 1, 1)] * 5_000),
    "WebP of 60,000 x 60,000": riff(canvas(60_000, 60_000), (b"VP8L", bytes(20))),
    "WebP without frames": riff(canvas(64, 48, flags=2), (b"ANIM", bytes(6))),
    "WebP with thousands of frames": riff(canvas(64, 48, 2), *[(b"ANMF", bytes(20))] * 5_000),
    "AVIF of 60,000 x 60,000": with_size(AVIF, 60_000, 60_000),
    "HEIC of 60,000 x 60,000": with_size(HEIC_PHOTO, 60_000, 60_000),
    **{
        f"{name} cut in half": content[: len(content) // 2]
        for name, content in {
            "WebP": WEBP,
            "AVIF": AVIF,
            "HEIC": HEIC_PHOTO,
        }.items()
    },
    "SVG with a script": b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>",
    "HTML before an image": HTML + JPEG,
    "ZIP before an image": ZIP + PNG,
    "PDF": b"%PDF-1.7" + JPEG,
}


async def test_no_malicious_image_harms_the_process_or_delays_the_next_image() -> None:
    limits = ImageLimits(max_seconds=10)
    async with open_image_publisher(limits) as publisher:
        for name, content in REJECTED.items():
            with pytest.raises((InvalidImage, UnsupportedImageType)) as error:
                await publish_by(publisher, content)
            if name.endswith("60,000 x 60,000"):
                assert isinstance(error.value, InvalidImage)
                assert error.value.reason is InvalidImageReason.TOO_MANY_PIXELS, name
        assert (await publish_by(publisher, JPEG)).image.width == 64
