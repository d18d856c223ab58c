import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from domain.features.media.image import MediaKind
from tests.integration.adapters.media.pillow.image_publishing import publish, publish_error
from tests.support.images import (
    SECRET,
    SWAPPED_PROFILE,
    chunk,
    decode,
    encode,
    mean_difference,
    png,
    sample_image,
)

TWO_COLORS = chunk(b"PLTE", b"\x10\x20\x30\x40\x50\x60")


def first_row(content: bytes) -> list[tuple[int, ...]]:
    """Return the pixels of the first row as RGBA."""
    image = decode(content).convert("RGBA")
    return list(struct.iter_unpack("4B", image.tobytes()[: 4 * image.width]))


@pytest.mark.parametrize(
    ("mode", "options", "published_mode"),
    [
        ("LA", {"icc_profile": SWAPPED_PROFILE}, "L"),
        ("P", {"transparency": 3}, "RGB"),
        ("P", {"transparency": bytes(range(0, 256, 2))}, "RGBA"),
        ("RGB", {"transparency": (255, 0, 0)}, "RGBA"),
        ("1", {"transparency": 255}, "LA"),
    ],
)
async def test_pixels_with_transparency_are_unchanged_and_others_look_the_same(
    mode: str, options: dict[str, Any], published_mode: str
) -> None:
    upload = encode(sample_image(mode=mode), "PNG", **options)

    published = decode((await publish(upload)).content)

    assert published.mode == published_mode
    is_png = published_mode.endswith("A")
    assert published.format == ("PNG" if is_png else "JPEG")
    # Two encodings as JPEG differ by less. Different images differ by 60.
    assert mean_difference(published, decode(upload)) <= (0 if is_png else 8)


async def test_colors_and_opacities_that_no_pixel_uses_are_dropped() -> None:
    image = Image.new("P", (2, 1), 3)
    image.putpixel((1, 0), 5)
    image.putpalette(SECRET.ljust(768, b"!"))
    upload = encode(image, "PNG", transparency=SECRET.ljust(256, b"?"))
    assert b"!!!" in upload
    assert b"???" in upload

    published = (await publish(upload)).content

    assert first_row(published) == first_row(upload)
    for hidden in (SECRET[:6], b"!!!", b"???"):
        assert hidden not in published


@pytest.mark.parametrize(
    ("depth", "color_type", "row", "transparent", "expected"),
    [
        (16, 0, struct.pack(">3H", 0x1234, 0x1235, 0xFF00), (0x1234,), [0x12, 0x12, 0xFF]),
        (
            16,
            2,
            struct.pack(">9H", *[0x1234, 0x5678, 0x9ABC], *[0x5678] * 6),
            (0x1234, 0x5678, 0x9ABC),
            [0x12, 0x56, 0x56],
        ),
        (4, 0, b"\x12\x30", (1,), [17, 34, 51]),
        (2, 3, b"\x14", None, [0x10, 0x40, 0x40]),
    ],
    ids=["gray 16", "RGB 16", "gray 4", "palette 2"],
)
async def test_the_transparent_color_of_every_depth_is_transparent(
    depth: int,
    color_type: int,
    row: bytes,
    transparent: tuple[int, ...] | None,
    expected: list[int],
) -> None:
    color = b"\0" if transparent is None else struct.pack(f">{len(transparent)}H", *transparent)
    chunks = [] if color_type != 3 else [TWO_COLORS]
    upload = png(
        3, 1, depth, color_type, zlib.compress(b"\0" + row), *chunks, chunk(b"tRNS", color)
    )

    published = first_row((await publish(upload)).content)

    assert [pixel[3] for pixel in published] == [0, 255, 255]
    assert [pixel[0] for pixel in published] == expected


@pytest.mark.parametrize("chunk_type", [b"IHDR", b"IDAT"])
async def test_a_flipped_bit_in_a_used_chunk_is_an_error(chunk_type: bytes) -> None:
    upload = bytearray(encode(sample_image(mode="P"), "PNG"))
    upload[upload.index(chunk_type) + 4] ^= 1

    assert (await publish_error(bytes(upload))).message == "The image is broken."


def animated(*frames: Image.Image, **options: Any) -> bytes:
    """An animated PNG. Its default image may be no frame."""
    options |= {"save_all": True, "append_images": frames[1:], "duration": 80}
    return encode(frames[0], "PNG", **options)


def filled(color: str, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (8, 8), color)


async def test_the_first_frame_of_an_animated_png_is_published_as_an_image() -> None:
    upload = animated(*map(filled, ("red", "blue", "lime")))

    result = await publish(upload, max_frames=1, max_total_pixels=64)

    assert result.image.format.kind is MediaKind.IMAGE
    assert mean_difference(decode(result.content), filled("red")) < 2


async def test_a_default_image_that_is_no_frame_is_not_published() -> None:
    upload = animated(filled("red"), filled("blue"), filled("lime"), default_image=True)
    published = await publish(upload)

    assert mean_difference(decode(published.content), filled("blue")) < 2

    at = upload.index(b"fdAT") + 8
    assert (await publish_error(upload[:at] + b"!" + upload[at + 1 :])).reason == "broken"


async def test_the_default_image_of_a_broken_animation_is_published() -> None:
    upload = animated(filled("red"), filled("blue"), filled("lime"), default_image=True)
    at = upload.index(b"fcTL")
    misnumbered = chunk(b"fcTL", b"\0\0\0\x09" + upload[at + 8 : at + 30])

    published = await publish(upload[: at - 4] + misnumbered + upload[at + 34 :])

    assert mean_difference(decode(published.content), filled("red")) < 2


async def test_a_png_that_does_not_begin_with_its_header_is_broken() -> None:
    upload = encode(sample_image(), "PNG")
    text = chunk(b"tEXt", b"Title\0first" * 900)

    assert (await publish_error(upload[:8] + text + upload[8:])).reason == "broken"
