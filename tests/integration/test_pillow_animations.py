"""Animations of all formats become GIFs with the same frames and the same time."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageSequence

from domain.media.errors import InvalidImage
from tests.integration.image_publishing import publish
from tests.support.images import chunk, decode, encode, exif, sample_image

RED, GREEN, BLUE = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)
CLEAR, FAINT_BLUE = (0, 0, 0, 0), (0, 0, 255, 191)
NONE, BACKGROUND, PREVIOUS = range(3)
SOURCE, OVER = range(2)
SIZE = (4, 2)
Color = tuple[int, int, int, int]


def canvas(left: Color, right: Color) -> Image.Image:
    image = Image.new("RGBA", SIZE, left)
    image.paste(right, (2, 0, 4, 2))
    return image


def animated(frames: Sequence[Image.Image], image_format: str = "PNG", **options: Any) -> bytes:
    """An animation of these frames. WebP keeps the colors of transparent pixels, too."""
    exact = {"lossless": True} if image_format == "WEBP" else {}
    frames_options = {"save_all": True, "append_images": frames[1:], **exact, **options}
    return encode(frames[0], image_format, **frames_options)


def delays_of(content: bytes) -> list[int]:
    return [frame.info["duration"] for frame in ImageSequence.Iterator(decode(content))]


def colors_of(content: bytes) -> list[tuple[Any, Any]]:
    """Return the left and the right color of each frame."""
    colors = []
    for frame in ImageSequence.Iterator(decode(content)):
        shown = Image.new("RGBA", frame.size)
        shown.alpha_composite(frame.convert("RGBA"))
        colors.append((shown.getpixel((0, 0)), shown.getpixel((3, 1))))
    return colors


@pytest.mark.parametrize(
    ("image_format", "durations", "delays"),
    [
        ("WEBP", (33,) * 6, [30, 40, 30, 30, 40, 30]),
        ("PNG", (33,) * 6, [30, 40, 30, 30, 40, 30]),
        # 60 frames a second: one hundredth would be shown as ten.
        ("WEBP", (16, 17) * 3, [20] * 6),
        ("PNG", (25, 15, 100), [20, 20, 100]),
        ("PNG", (10, 100), [10, 100]),
    ],
)
async def test_frame_times_are_rounded_so_that_their_sum_is_kept(
    image_format: str, durations: Sequence[int], delays: list[int]
) -> None:
    frames = [sample_image().rotate(40 * number) for number in range(len(durations))]
    upload = animated(frames, image_format, duration=list(durations))

    assert delays_of((await publish(upload)).content) == delays


@pytest.mark.parametrize(
    ("image_format", "plays", "repetitions"),
    [("WEBP", 0, 0), ("WEBP", 1, None), ("WEBP", 3, 2), ("PNG", 0, 0), ("PNG", 1, None)],
)
async def test_an_animation_is_shown_as_often(
    image_format: str, plays: int, repetitions: int | None
) -> None:
    upload = animated([canvas(RED, BLUE), canvas(BLUE, RED)], image_format, loop=plays)

    assert decode((await publish(upload)).content).info.get("loop") == repetitions


@pytest.mark.parametrize("image_format", ["WEBP", "PNG"])
async def test_a_frame_that_is_transparent_shows_nothing_of_the_one_before(
    image_format: str,
) -> None:
    upload = animated([canvas(RED, RED), canvas(CLEAR, CLEAR), canvas(BLUE, RED)], image_format)

    published = colors_of((await publish(upload)).content)

    assert published == [(RED, RED), (CLEAR, CLEAR), (BLUE, RED)]


@pytest.mark.parametrize(
    ("disposal", "blending", "second", "shown"),
    [
        (NONE, OVER, canvas(CLEAR, FAINT_BLUE), (RED, (64, 0, 191, 255))),
        (NONE, SOURCE, canvas(GREEN, CLEAR), (GREEN, CLEAR)),
        (BACKGROUND, OVER, canvas(CLEAR, BLUE), (CLEAR, BLUE)),
        (PREVIOUS, OVER, canvas(CLEAR, BLUE), (CLEAR, BLUE)),
    ],
)
async def test_frames_of_a_png_are_drawn_over_each_other(
    disposal: int, blending: int, second: Image.Image, shown: tuple[Color, Color]
) -> None:
    frames = [canvas(RED, RED), second]
    upload = animated(frames, disposal=disposal, blend=blending)

    first, last = colors_of((await publish(upload)).content)

    assert first == (RED, RED)
    assert last == shown


async def test_a_frame_is_removed_again() -> None:
    frames = [canvas(RED, RED), canvas(CLEAR, BLUE), canvas(GREEN, CLEAR)]
    upload = animated(frames, disposal=[NONE, PREVIOUS, NONE], blend=OVER)

    assert colors_of((await publish(upload)).content) == [(RED, RED), (RED, BLUE), (GREEN, RED)]


async def test_the_default_image_of_a_png_may_be_no_frame() -> None:
    frames = [canvas(GREEN, GREEN), canvas(RED, BLUE), canvas(BLUE, RED)]

    published = (await publish(animated(frames, default_image=True))).content

    assert colors_of(published) == [(RED, BLUE), (BLUE, RED)]


async def test_all_frames_of_a_png_are_upright() -> None:
    upload = animated([canvas(RED, BLUE), canvas(BLUE, RED)], exif=exif(3))

    assert colors_of((await publish(upload)).content) == [(BLUE, RED), (RED, BLUE)]


async def test_all_frames_of_a_png_have_its_palette() -> None:
    frames = [canvas(RED, BLUE).convert("RGB"), canvas(BLUE, GREEN).convert("RGB")]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*RED[:3], *GREEN[:3], *BLUE[:3]])

    upload = animated([frame.quantize(palette=palette) for frame in frames])

    assert colors_of((await publish(upload)).content) == [(RED, BLUE), (BLUE, GREEN)]


async def test_all_frames_of_a_png_are_converted_to_srgb() -> None:
    display_p3 = chunk(b"cICP", b"\x0c\x0d\0\x01")
    upload = animated([canvas((200, 60, 40, 255), RED), canvas(BLUE, (200, 60, 40, 255))])
    end = 33  # of IHDR

    first, second = colors_of((await publish(upload[:end] + display_p3 + upload[end:])).content)

    for color in (first[0], second[1]):
        assert max(abs(a - b) for a, b in zip(color, (217, 42, 23, 255), strict=True)) <= 2


async def test_an_animation_that_breaks_the_rules_is_a_still_image() -> None:
    upload = animated([canvas(RED, RED), canvas(BLUE, BLUE)])
    at = upload.rindex(b"fcTL")
    body = upload[at + 4 : at + 30]
    misnumbered = chunk(b"fcTL", struct.pack(">I", 9) + body[4:])

    published = (await publish(upload[: at - 4] + misnumbered + upload[at + 34 :])).content

    assert decode(published).format == "JPEG"


async def test_an_animation_that_lacks_frames_or_has_damaged_ones_is_broken() -> None:
    upload = animated([canvas(RED, RED), canvas(BLUE, BLUE), canvas(GREEN, RED)])
    at = upload.rindex(b"fdAT")

    for broken in (
        upload[: at - 4],
        upload[: at + 12],
        upload[: at + 12] + b"!" + upload[at + 13 :],
    ):
        with pytest.raises(InvalidImage, match="broken"):
            await publish(broken)


async def test_a_png_that_does_not_begin_with_its_header_is_broken() -> None:
    upload = encode(sample_image(), "PNG")

    with pytest.raises(InvalidImage, match="broken"):
        await publish(upload[:8] + chunk(b"tEXt", b"Title\0first" * 900) + upload[8:])
