"""JPEG files as phones write them: without an end, with a trailer, with short segments."""

import struct
from typing import Any

import pytest

from tests.integration.adapters.media.pillow.image_publishing import publish, publish_error
from tests.support.images import plain_jpeg, segment

LIKE_A_FRAME = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, 50_000, 50_000, 3) + bytes(9)
LIKE_A_SCAN = b"\xff\xda" + struct.pack(">HB", 12, 3) + bytes(9)
VIDEO = b"\0\0\0\x18ftypmp42" + LIKE_A_FRAME + LIKE_A_SCAN + b"\xff\xd9" + bytes(100)
TRAILERS = {
    "nothing": b"",
    "zeros": bytes(20),
    "a video with bytes like markers": VIDEO,
    "a segment that exceeds the file": b"\xff\xe1\xff\xff" + bytes(9),
}
BASELINE: list[dict[str, Any]] = [{}, {"restart_marker_blocks": 2}]
PROGRESSIVE = {"progressive": True, "restart_marker_blocks": 2}


@pytest.mark.parametrize("options", BASELINE, ids=str)
@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
async def test_a_jpeg_may_lack_its_end_before_anything_behind_its_pixels(
    options: dict[str, Any], trailer: bytes
) -> None:
    whole = plain_jpeg(**options)
    published = await publish(whole[:-2] + trailer)
    assert published == await publish(whole)
    assert published.content.endswith(b"\xff\xd9")


@pytest.mark.parametrize("options", [*BASELINE, PROGRESSIVE], ids=str)
async def test_a_jpeg_that_lacks_pixels_and_its_end_is_broken(options: dict[str, Any]) -> None:
    content = plain_jpeg(**options)
    scan = content.rindex(b"\xff\xda")
    length = len(content) - scan
    for missing in (12, length // 4, length // 2, length - 20):
        error = await publish_error(content[:-missing])
        assert error.message == "The image is broken.", missing


@pytest.mark.parametrize(
    "short",
    [
        segment(0xE0, b"JFIF\0"),
        segment(0xEE, b"Adobe"),
    ],
)
async def test_a_segment_may_be_shorter_than_its_fixed_part(short: bytes) -> None:
    content = plain_jpeg()
    assert await publish(content[:2] + short + content[2:]) == await publish(content)
    first = content.index(b"\xff\xdb")
    assert (await publish(content[:2] + short + content[first:])).image.width == 64
