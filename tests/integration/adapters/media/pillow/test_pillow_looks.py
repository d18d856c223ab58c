"""How images look: colors, rotations and crops, and the frames of an animation."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageSequence
from PIL.Image import Transpose

from domain.features.media.errors import HdrNotSupported
from domain.features.media.image import VariantSpec
from tests.integration.adapters.media.pillow.image_publishing import (
    publish,
    publish_by,
)
from tests.support.fakes.images import image_publisher
from tests.support.heif import clap, icc, imir, irot, nclx, with_properties
from tests.support.images import (
    HEIC_PHOTO,
    SECRET,
    SWAPPED_PROFILE,
    animated_gif,
    chunk,
    decode,
    encode,
    mean_difference,
    sample_image,
)

# Colors

COLOR, SWAPPED = (200, 60, 40), (60, 200, 40)
PLAIN = Image.new("RGB", (16, 16), COLOR)
ICC = chunk(b"iCCP", b"swapped\0\0" + zlib.compress(SWAPPED_PROFILE))
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
WIDE_GAMUT = chunk(b"cICP", b"\x0c\x0d\0\1")
PQ, HLG = chunk(b"cICP", b"\x09\x10\0\1"), chunk(b"cICP", b"\x09\x12\0\1")


def with_chunks(*chunks: bytes, image: Image.Image = PLAIN) -> bytes:
    content = encode(image, "PNG")
    return content[:33] + b"".join(chunks) + content[33:]


@pytest.mark.parametrize(
    ("upload", "max_difference"),
    [
        (encode(sample_image(), "JPEG", quality=90, icc_profile=SWAPPED_PROFILE), 8),
        (encode(sample_image(), "PNG", icc_profile=SWAPPED_PROFILE + bytes(3_000_000)), 8),
        (encode(sample_image(mode="P"), "PNG", icc_profile=SWAPPED_PROFILE), 22),
    ],
    ids=["JPEG", "large profile", "P"],
)
async def test_colors_with_a_profile_are_converted_to_srgb(
    upload: bytes, max_difference: int
) -> None:
    published = decode((await publish(upload)).content)

    assert published.mode == "RGB"
    assert "icc_profile" not in published.info
    red, green, blue = sample_image().split()
    swapped = Image.merge("RGB", (green, red, blue))
    assert mean_difference(published, swapped) < max_difference


@pytest.mark.parametrize(
    ("upload", "expected"),
    [
        (with_chunks(WIDE_GAMUT, LINEAR), COLOR),
        (with_chunks(WIDE_GAMUT, LINEAR, ICC), SWAPPED),
        (with_chunks(chunk(b"iCCP", b"broken\0\0")), COLOR),
        # No cICP, because it comes after the pixels.
        (encode(PLAIN, "PNG")[:-12] + PQ + encode(PLAIN, "PNG")[-12:], COLOR),
    ],
)
async def test_colors_of_a_png_without_a_profile_are_those_of_srgb(
    upload: bytes, expected: tuple[int, ...]
) -> None:
    image = decode((await publish(upload)).content)
    assert image.getpixel((8, 8)) == pytest.approx(expected, abs=2)  # it is a JPEG


@pytest.mark.parametrize(
    "colors", [[nclx(12, 13)], [nclx(12, 13), icc(SWAPPED_PROFILE)], [icc(b"broken")]]
)
async def test_only_the_profile_of_a_heic_changes_its_colors(colors: list[bytes]) -> None:
    kept = (b"irot", b"clap")
    expected = decode((await publish(HEIC_PHOTO)).content)
    if SWAPPED_PROFILE in b"".join(colors):
        red, green, blue = expected.split()
        expected = Image.merge("RGB", (green, red, blue))

    published = await publish(with_properties(HEIC_PHOTO, *colors, kept=kept))

    assert mean_difference(decode(published.content), expected) < 8


@pytest.mark.parametrize(
    "upload",
    [
        with_chunks(PQ),
        with_chunks(HLG, ICC, image=Image.new("L", (16, 16), 148)),
        with_properties(HEIC_PHOTO, nclx(9, 18, 9)),
    ],
    ids=["PQ", "HLG", "HEIC in HLG"],
)
async def test_an_hdr_image_is_named_as_such(upload: bytes) -> None:
    with pytest.raises(HdrNotSupported, match="This is an HDR image"):
        await publish(upload)


# How the image of a HEIC is cropped and turned: as its boxes say, or else EXIF or XMP

# The same photo, whose rotation is repeated in XMP only.
HEIC_WITH_XMP = HEIC_PHOTO.replace(b"\x01\x12\0\3", b"\x01\x13\0\3").replace(
    b"<x>" + SECRET + b"</x>", b'tiff:Orientation="6"    '
)
CROP = clap((20, 1), (10, 1), (-3, 1), (4, 1))


def apply(steps: list[Any], image: Image.Image) -> Image.Image:
    """Transpose an image, or crop it as CROP does."""
    for step in steps:
        if step == "crop":
            left, top = image.width // 2 - 13, image.height // 2 - 1
            image = image.crop((left, top, left + 20, top + 10))
        else:
            image = image.transpose(step)
    return image


@pytest.mark.parametrize(
    ("metadata", "properties", "steps"),
    [
        ("EXIF", [CROP], ["crop", Transpose.ROTATE_270]),
        ("XMP", [], [Transpose.ROTATE_270]),
        ("EXIF", [irot(0)], []),
        ("XMP", [imir(1)], [Transpose.FLIP_LEFT_RIGHT]),
        (
            "EXIF",
            [CROP, irot(1), imir(0)],
            ["crop", Transpose.ROTATE_90, Transpose.FLIP_TOP_BOTTOM],
        ),
    ],
)
async def test_a_heic_is_turned_once_by_its_boxes_or_else_by_its_metadata(
    metadata: str, properties: list[bytes], steps: list[Any]
) -> None:
    photo = HEIC_PHOTO if metadata == "EXIF" else HEIC_WITH_XMP  # both say 6
    expected = apply(steps, decode((await publish(with_properties(photo, irot(0)))).content))

    result = await publish_by(
        image_publisher(), with_properties(photo, *properties), 1, VariantSpec("small", 10, 10)
    )

    published = decode(result.content)
    assert (result.image.width, result.image.height) == published.size == expected.size
    assert mean_difference(published, expected) < 8
    assert max(decode(result.variants["small"][1]).size) == 10


# Animations


def frames_of(content: bytes) -> list[tuple[bytes, Any]]:
    """Return the visible pixels of each frame as a viewer shows it, with its delay."""
    frames = list[tuple[bytes, Any]]()
    for frame in ImageSequence.Iterator(decode(content)):
        visible = Image.new("RGBA", frame.size)
        visible.alpha_composite(frame.convert("RGBA"))
        frames.append((visible.tobytes(), frame.info.get("duration")))
    return frames


def pixels_of(content: bytes) -> list[bytes]:
    return [pixels for pixels, _ in frames_of(content)]


@pytest.mark.parametrize(
    ("delays", "loops"), [((100, 0, 70), None), ((20, 655_350), 0), ((20, 20), 65_535)]
)
async def test_an_animation_keeps_its_frames_delays_and_loops(
    delays: Sequence[int], loops: int | None
) -> None:
    upload = animated_gif(delays, loops)

    content = (await publish(upload)).content

    assert frames_of(content) == frames_of(upload)
    assert [delay for _, delay in frames_of(content)] == list(delays)
    assert decode(content).info.get("loop") == loops


@pytest.mark.parametrize("is_local", [False, True])
async def test_colors_that_no_pixel_uses_are_dropped(is_local: bool) -> None:
    palette = SECRET.ljust(768, b"!")
    flags = 0x80 | 7
    # The pixel has index 3. The background has another one.
    frame = struct.pack("<HHHHB", 0, 0, 1, 1, flags if is_local else 0)
    frame = b"," + frame + (palette if is_local else b"") + b"\x02\x02\x5c\x01\0"
    upload = b"GIF89a" + struct.pack("<HHBBB", 1, 1, flags, 9, 0) + palette + frame + b";"

    published = (await publish(upload)).content

    assert pixels_of(published) == [palette[9:12] + b"\xff"]
    assert b"!!!" not in published
    assert published[11] == 0


COLORS = {"R": (255, 0, 0), "K": (0, 0, 0), "G": (0, 200, 0), "B": (0, 0, 255)}


def row_gif(*frames: tuple[str, str, int, int]) -> bytes:
    """Return a GIF that is a row of three pixels, with one palette for all frames.

    A frame has its pixels, which of these colors is transparent, its disposal and its place.
    """
    names = "".join(COLORS)
    content = b"GIF89a" + struct.pack("<HHBBB", 3, 1, 0x81, 0, 0)
    content += bytes(level for color in COLORS.values() for level in color)
    for pixels, transparent, disposal, left in frames:
        index = names.index(transparent) if transparent else 0
        content += b"!\xf9\4" + struct.pack(
            "<BHBB", disposal << 2 | bool(transparent), 10, index, 0
        )
        content += b"," + struct.pack("<HHHHB", left, 0, len(pixels), 1, 0)
        # Codes of three bits: 4 before each pixel, so that they do not grow, and 5 at the end.
        codes = [code for name in pixels for code in (4, names.index(name))] + [5]
        number = sum(code << 3 * place for place, code in enumerate(codes))
        data = number.to_bytes(-(-3 * len(codes) // 8), "little")
        content += bytes([2, len(data)]) + data + b"\0"
    return content + b";"


@pytest.mark.parametrize(
    ("frames", "shown"),
    [
        ([("RKR", "K", 1, 0), ("KKG", "", 1, 0)], ["R.R", "KKG"]),
        ([("RGR", "G", 2, 0), ("KKG", "K", 1, 0)], ["R.R", "..G"]),
        ([("RKR", "K", 3, 0), ("GKK", "K", 2, 0), ("KKG", "K", 1, 0)], ["R.R", "G..", "..G"]),
        ([("RRR", "", 3, 0), ("G", "", 1, 1)], ["RRR", ".G."]),
        ([("KRK", "", 1, 0), ("K", "B", 2, 0), ("G", "", 1, 2)], ["KRK", "KRK", ".RG"]),
    ],
)
async def test_each_frame_has_its_own_transparent_index_and_clears_to_nothing(
    frames: list[tuple[str, str, int, int]], shown: list[str]
) -> None:
    published = (await publish(row_gif(*frames))).content

    names = {bytes((*color, 255)): name for name, color in COLORS.items()} | {bytes(4): "."}
    rows = [
        "".join(names[pixels[at : at + 4]] for at in range(0, len(pixels), 4))
        for pixels in pixels_of(published)
    ]
    # Equal frames may be one.
    assert [row for row, before in zip(rows, ["", *rows], strict=False) if row != before] == [
        row for row, before in zip(shown, ["", *shown], strict=False) if row != before
    ]
