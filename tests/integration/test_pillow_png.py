import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from tests.images import (
    PNG_HEAD,
    SECRET,
    animated_png,
    annotated_png,
    chunk,
    differ,
    exif,
    interlaced_png,
    opened,
    painting,
    png,
    profile_bomb_png,
    saved,
    swapped_profile,
    text_bomb_png,
)
from tests.integration.publishing import publish, refusal_of

GREYS_16 = zlib.compress(b"\0" + struct.pack(">3H", 0x1234, 0xFFFF, 0x00FF))
TWO_COLOURS = chunk(b"PLTE", b"\x10\x20\x30\x40\x50\x60")


def chunks_of(content: bytes) -> list[bytes]:
    """The kinds of chunks, in order."""
    kinds, at = [], len(PNG_HEAD)
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        kinds.append(kind)
        at += 12 + length
    return kinds


def row_of(content: bytes) -> list[tuple[int, ...]]:
    """The pixels of the first row, with their transparency."""
    image = opened(content).convert("RGBA")
    return list(struct.iter_unpack("4B", image.tobytes()[: 4 * image.width]))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
async def test_every_kind_of_pixel_is_published_unchanged(mode: str) -> None:
    image = painting(mode=mode)

    published = opened((await publish(saved(image, "PNG"))).content)

    assert published.mode == mode
    assert differ(published, image) == 0


@pytest.mark.parametrize(
    ("mode", "transparency"),
    [("P", 3), ("P", bytes(range(0, 256, 2))), ("L", 76), ("RGB", (255, 0, 0)), ("1", 255)],
)
async def test_what_can_be_seen_through_still_can(mode: str, transparency: Any) -> None:
    upload = saved(painting(mode=mode), "PNG", transparency=transparency)

    published = opened((await publish(upload)).content)

    assert published.mode == mode
    assert differ(published, opened(upload)) == 0


async def test_an_interlaced_picture_is_published_unchanged() -> None:
    image = painting(13, 11)

    assert differ(opened((await publish(interlaced_png(image))).content), image) == 0


async def test_sixteen_bits_are_published_as_their_higher_eight() -> None:
    clear = chunk(b"tRNS", b"\xff\xff")
    colours = zlib.compress(b"\0" + struct.pack(">6H", 0x1234, 0xFFFF, 0xFF, 0x8000, 1, 2))
    clear_colour = chunk(b"tRNS", struct.pack(">3H", 0x8000, 1, 2))

    greys = row_of((await publish(png(3, 1, 16, 0, GREYS_16, clear))).content)
    coloured = row_of((await publish(png(2, 1, 16, 2, colours, clear_colour))).content)

    assert greys == [(0x12, 0x12, 0x12, 255), (255, 255, 255, 0), (0, 0, 0, 255)]
    assert coloured == [(0x12, 0xFF, 0, 255), (0x80, 0, 0, 0)]


@pytest.mark.parametrize(("depth", "packed"), [(1, b"\0\x50"), (2, b"\0\x33"), (4, b"\0\x0f\x0f")])
async def test_greys_of_few_bits_keep_the_one_that_is_clear(depth: int, packed: bytes) -> None:
    clear = chunk(b"tRNS", struct.pack(">H", (1 << depth) - 1))

    row = row_of((await publish(png(4, 1, depth, 0, zlib.compress(packed), clear))).content)

    assert row == [(0, 0, 0, 255), (255, 255, 255, 0)] * 2


async def test_nothing_but_the_picture_is_published() -> None:
    noted = annotated_png()
    assert {b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"} <= set(chunks_of(noted.rstrip(SECRET)))

    content = (await publish(noted)).content

    assert set(chunks_of(content)) == {b"IHDR", b"IDAT", b"IEND"}
    assert SECRET not in content


async def test_a_picture_is_published_the_right_way_up() -> None:
    side = png(2, 1, 8, 3, zlib.compress(b"\0\0\1"), TWO_COLOURS, chunk(b"eXIf", exif(6)))

    published = opened((await publish(side)).content)

    assert (published.size, published.mode) == ((1, 2), "P")
    assert published.tobytes() == b"\0\1"


async def test_of_an_animated_png_the_default_picture_is_published() -> None:
    moving = animated_png()
    assert getattr(opened(moving), "n_frames", 1) == 2

    content = (await publish(moving)).content

    assert set(chunks_of(content)) == {b"IHDR", b"IDAT", b"IEND"}
    assert differ(opened(content), painting()) == 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
async def test_colours_are_converted_out_of_their_profile(mode: str) -> None:
    upload = saved(painting(mode=mode), "PNG", icc_profile=swapped_profile())

    published = opened((await publish(upload)).content)

    red, green, blue = painting(mode=mode).convert("RGB").split()
    assert published.mode == mode
    assert differ(published, Image.merge("RGB", (green, red, blue))) < 1
    assert "icc_profile" not in published.info


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
async def test_greys_with_a_profile_of_colours_stay_as_they_are(mode: str) -> None:
    upload = saved(painting(mode=mode), "PNG", icc_profile=swapped_profile())

    assert differ(opened((await publish(upload)).content), painting(mode=mode)) == 0


async def test_a_clear_colour_stays_clear_when_its_profile_is_converted() -> None:
    upload = saved(painting(), "PNG", icc_profile=swapped_profile(), transparency=(255, 0, 0))

    assert row_of((await publish(upload)).content)[0] == (0, 255, 0, 0)


@pytest.mark.parametrize("bomb", [text_bomb_png, profile_bomb_png])
async def test_notes_that_unpack_to_very_much_are_left_packed(bomb: Any) -> None:
    assert differ(opened((await publish(bomb())).content), painting()) == 0


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"IDAT", b"IEND"])
async def test_a_flipped_bit_in_what_counts_is_noticed(kind: bytes) -> None:
    upload = bytearray(saved(painting(mode="P"), "PNG"))
    upload[upload.index(kind) + 4] ^= 1

    assert await refusal_of(bytes(upload)) == "The image is broken."


async def test_a_flipped_bit_in_a_note_is_nobodys_trouble() -> None:
    upload = annotated_png().replace(b"Comment", b"comment")

    assert await publish(upload) == await publish(annotated_png())


@pytest.mark.parametrize(
    "broken",
    [
        png(0, 1, 8, 0, zlib.compress(b"\0")),
        png(1, 0, 8, 0, zlib.compress(b"")),
        png(3, 1, 8, 0, b""),
        png(3, 1, 8, 0, b"not packed"),
        png(3, 1, 3, 0, zlib.compress(b"\0\0\0\0")),
        png(3, 1, 8, 3, zlib.compress(b"\0\0\1\2"), TWO_COLOURS),
        png(3, 1, 8, 3, zlib.compress(b"\0\0\1\1")),
        png(3, 1, 8, 3, zlib.compress(b"\0\0\1\1"), chunk(b"PLTE", bytes(4))),
        png(3, 1, 8, 0, zlib.compress(b"\0\0\0\0"), chunk(b"CgBI", bytes(4))),
        png(3, 1, 8, 0, zlib.compress(b"\0\0\0\0"))[:-12],
        png(3, 1, 8, 0, zlib.compress(b"\0\0\0\0"))[:-1],
        PNG_HEAD + chunk(b"IEND", b""),
        PNG_HEAD + chunk(b"IHDR", bytes(5)) + chunk(b"IEND", b""),
    ],
    ids=[
        "no width",
        "no height",
        "no pixels",
        "pixels not packed",
        "three bits a sample",
        "a colour that the palette lacks",
        "no palette",
        "a palette of a colour and a third",
        "something critical that nobody knows",
        "no end",
        "half an end",
        "no header",
        "a short header",
    ],
)
async def test_a_png_that_lacks_what_it_needs_is_broken(broken: bytes) -> None:
    assert await refusal_of(broken) == "The image is broken."
