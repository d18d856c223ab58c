"""Incomplete images are broken, unless only what comes after the pixels is missing."""

import struct
import zlib
from typing import Any

import pytest

from tests.integration.adapters.media.pillow.image_publishing import publish, publish_error
from tests.support.images import (
    HEIC_PHOTO,
    PNG_SIGNATURE,
    chunk,
    encode,
    gif,
    gif_frame,
    plain_jpeg,
    png,
    sample_image,
)

WEBP = encode(sample_image(), "WEBP")
JPEG = plain_jpeg()
FRAME, SCAN = JPEG.index(b"\xff\xc0"), JPEG.index(b"\xff\xda")
PIXEL = gif_frame(0, 0, 1, 1)
GIF = gif(1, 1, [PIXEL])
PNG = png(3, 1, 8, 0, zlib.compress(b"\0\x10\x20\x30"))
BROKEN = {
    "WebP cut in half": WEBP[: len(WEBP) // 2],
    "HEIC cut in half": HEIC_PHOTO[: len(HEIC_PHOTO) // 2],
    "JPEG without size": JPEG[:FRAME] + JPEG[FRAME + 19 :],
    "JPEG without scan": JPEG[:SCAN] + JPEG[-2:],
    "GIF without frame": gif(1, 1, []),
    "GIF with too few pixels": gif(9, 9, [gif_frame(0, 0, 9, 9)]),
    "GIF cut in the header of a frame": gif(1, 1, [PIXEL, PIXEL[:5]])[:-1],
    "PNG without width": png(0, 1, 8, 0, zlib.compress(b"\0")),
    "PNG without pixels": png(3, 1, 8, 0, b""),
    "PNG cut in its pixels": png(3, 1, 8, 0, zlib.compress(bytes(4)))[:-24],
    "PNG without header": PNG_SIGNATURE + chunk(b"IEND", b""),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_an_incomplete_image_is_broken(broken: bytes) -> None:
    assert (await publish_error(broken)).message == "The image is broken."


@pytest.mark.parametrize(
    "options", [{}, {"restart_marker_blocks": 2}, {"progressive": True}], ids=str
)
async def test_a_jpeg_that_lacks_pixels_and_its_end_is_broken(options: dict[str, Any]) -> None:
    content = plain_jpeg(**options)
    length = len(content) - content.rindex(b"\xff\xda")
    for missing in (12, length // 4, length - 20):
        assert (await publish_error(content[:-missing])).reason == "broken", missing


LIKE_A_FRAME = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, 50_000, 50_000, 3) + bytes(9)
VIDEO = b"\0\0\0\x18ftypmp42" + LIKE_A_FRAME + b"\xff\xda\0\x0c\3" + bytes(9) + b"\xff\xd9"


@pytest.mark.parametrize("trailer", [b"", bytes(20), VIDEO, b"\xff\xe1\xff\xff"])
async def test_a_jpeg_may_lack_its_end_before_anything_behind_its_pixels(trailer: bytes) -> None:
    published = await publish(JPEG[:-2] + trailer)

    assert published == await publish(JPEG)
    assert published.content.endswith(b"\xff\xd9")


@pytest.mark.parametrize(
    ("whole", "incomplete"),
    [(PNG, PNG[:-1]), (PNG, PNG[:-18]), (GIF, GIF[:-2]), (GIF, GIF[:-2] + b"\0!\xfe\x20short")],
)
async def test_a_png_and_a_gif_may_lack_their_end(whole: bytes, incomplete: bytes) -> None:
    assert await publish(incomplete) == await publish(whole)
