import struct
import zlib

import pytest

from adapters.media.pillow import limits
from tests.integration.adapters.media.pillow.image_publishing import (
    publish,
    publish_error,
)
from tests.support.images import (
    HEIC_PHOTO,
    animated_gif,
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
