"""Limits of images, and images that lack a part."""

import struct
import zlib
from typing import Any

import pytest

from adapters.media.pillow import limits
from tests.integration.adapters.media.pillow.image_publishing import (
    publish,
    publish_error,
)
from tests.support.images import (
    HEIC_PHOTO,
    PNG_SIGNATURE,
    animated_gif,
    chunk,
    encode,
    gif,
    gif_frame,
    plain_jpeg,
    png,
    sample_image,
    scan_bomb_jpeg,
    segment,
    still_gif,
    transparent_png,
)

# Limits

PIXELS = 64 * 48
IMAGES = [plain_jpeg(), transparent_png(), still_gif(), animated_gif()]
WEBP = encode(sample_image(), "WEBP")
# A small frame counts as the whole canvas.
SMALL_FRAMES = gif(100, 100, [gif_frame(0, 0, 1, 1)] * 3)


async def rejection(content: bytes, **changes: float) -> tuple[str, int | None]:
    error = await publish_error(content, **changes)
    return error.reason, error.limit


@pytest.mark.parametrize(
    ("content", "what", "count"),
    [
        *((content, "pixels", PIXELS) for content in (*IMAGES, WEBP)),
        (animated_gif(), "frames", 3),
        (animated_gif(), "total_pixels", 3 * PIXELS),
        (SMALL_FRAMES, "total_pixels", 30_000),
    ],
)
async def test_an_image_may_reach_each_limit_but_not_exceed_it(
    content: bytes, what: str, count: int
) -> None:
    limits = {"max_jpeg_pixels": 1, f"max_{what}": count}
    await publish(content, **limits)

    limits[f"max_{what}"] -= 1
    assert await rejection(content, **limits) == (f"too_many_{what}", count - 1)


def with_sides(content: bytes, marker: bytes, sides: str) -> bytes:
    """Return a file whose header says that it has 60,000 x 60,000 pixels."""
    at = content.index(marker) + len(marker)
    encoded = struct.pack(sides, 60_000, 60_000)
    return content[:at] + encoded + content[at + len(encoded) :]


@pytest.mark.parametrize(
    "content",
    [
        with_sides(plain_jpeg(), b"\xff\xc0\0\x11\x08", ">HH"),
        png(60_000, 60_000, 8, 2, zlib.compress(bytes(1_000))),
        gif(1, 1, [gif_frame(0, 0, 1, 1), gif_frame(60_000, 60_000, 1, 1)]),  # the canvas grows
        with_sides(encode(sample_image(), "WEBP", exif=b"x"), b"VP8X\x0a\0\0\0\x08\0\0\0", "<HxH"),
        with_sides(HEIC_PHOTO, b"ispe\0\0\0\0", ">II"),
    ],
    ids=["JPEG", "PNG", "GIF", "WebP", "HEIC"],
)
async def test_the_pixels_are_counted_before_they_are_decoded(content: bytes) -> None:
    assert (await publish_error(content)).reason == "too_many_pixels"


@pytest.mark.parametrize("content", [plain_jpeg(), animated_gif()])
async def test_the_bytes_of_the_result_are_limited(content: bytes) -> None:
    size = (await publish(content)).image.bytes

    assert (await publish(content, max_bytes=size)).image.bytes == size
    assert await rejection(content, max_bytes=size - 1) == ("too_many_bytes", size - 1)


async def test_an_empty_file_is_named_as_such() -> None:
    assert await rejection(b"") == ("empty", None)


async def test_the_number_of_scans_of_a_photo_is_limited() -> None:
    await publish(scan_bomb_jpeg(scans=10))

    assert await rejection(scan_bomb_jpeg(scans=100)) == ("too_complex", None)


@pytest.mark.parametrize(
    ("image", "signature_length", "block"),
    [
        (plain_jpeg(), 2, segment(0xFE, b"")),
        (still_gif(), 13 + 768, b"!\xfe\0"),
    ],
)
async def test_the_number_of_blocks_is_limited(
    image: bytes, signature_length: int, block: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_BLOCKS", 500)

    def with_blocks(count: int) -> bytes:
        return image[:signature_length] + block * count + image[signature_length:]

    await publish(with_blocks(450))
    assert await rejection(with_blocks(500)) == ("too_many_blocks", 500)


# Incomplete images are broken, unless only what comes after the pixels is missing

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
