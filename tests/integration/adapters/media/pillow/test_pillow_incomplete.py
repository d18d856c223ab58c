"""Incomplete images are broken, unless only what comes after the pixels is missing."""

import struct
import zlib

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


def riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


WHOLE = {
    "WebP": encode(sample_image(), "WEBP"),
    "HEIC": HEIC_PHOTO,
}
JPEG = plain_jpeg()
FRAME, SCAN = JPEG.index(b"\xff\xc0"), JPEG.index(b"\xff\xda")
PIXEL = gif_frame(0, 0, 1, 1)
GIF = gif(1, 1, [PIXEL])
PNG = png(3, 1, 8, 0, zlib.compress(b"\0\x10\x20\x30"))
ANIMATED = b"VP8X\x0a\0\0\0\2\0\0\0" + bytes([63, 0, 0, 47, 0, 0])  # 64 x 48
BROKEN = {
    **{f"{name} cut in half": content[: len(content) // 2] for name, content in WHOLE.items()},
    "WebP without frames": riff(ANIMATED + b"ANIM\6\0\0\0" + bytes(6)),
    "JPEG cut in its pixels": JPEG[:-12],
    "JPEG without size": JPEG[:FRAME] + JPEG[FRAME + 19 :],
    "JPEG with two sizes": JPEG[:FRAME] + JPEG[FRAME : FRAME + 19] + JPEG[FRAME:],
    "JPEG without scan": JPEG[:SCAN] + JPEG[-2:],
    "JPEG without height": JPEG[: FRAME + 5] + bytes(2) + JPEG[FRAME + 7 :],
    "JPEG cut in its header": JPEG[: FRAME + 8],
    "GIF without frame": gif(1, 1, []),
    "GIF without width": gif(1, 1, [gif_frame(0, 0, 0, 1)]),
    "GIF with too few pixels": gif(9, 9, [gif_frame(0, 0, 9, 9)]),
    "GIF with a short control": gif(1, 1, [b"!\xf9\x01\0\0", PIXEL]),
    "GIF cut in the header of a frame": gif(1, 1, [PIXEL, PIXEL[:5]])[:-1],
    "GIF cut in its palette": GIF[:14],
    "PNG without width": png(0, 1, 8, 0, zlib.compress(b"\0")),
    "PNG without pixels": png(3, 1, 8, 0, b""),
    "PNG with pixels not compressed": png(3, 1, 8, 0, b"not compressed"),
    "PNG with too few pixels": png(3, 1, 8, 0, zlib.compress(b"\0\0\0")),
    "PNG cut in its pixels": png(3, 1, 8, 0, zlib.compress(bytes(4)))[:-24],
    "PNG with bit depth 3": png(3, 1, 3, 0, zlib.compress(bytes(4))),
    "PNG without palette": png(3, 1, 8, 3, zlib.compress(b"\0\0\1\1")),
    "PNG without header": PNG_SIGNATURE + chunk(b"IEND", b""),
    "PNG with a short header": PNG_SIGNATURE + chunk(b"IHDR", bytes(5)) + chunk(b"IEND", b""),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_an_incomplete_image_is_broken(broken: bytes) -> None:
    assert (await publish_error(broken)).message == "The image is broken."


@pytest.mark.parametrize("missing", [1, 18])
async def test_a_png_may_lack_its_end(missing: int) -> None:
    assert await publish(PNG[:-missing]) == await publish(PNG)


@pytest.mark.parametrize("ending", [b"\0!\xfe\x20short", b""])
async def test_a_gif_may_lack_its_end(ending: bytes) -> None:
    assert await publish(GIF[:-2] + ending) == await publish(GIF)
