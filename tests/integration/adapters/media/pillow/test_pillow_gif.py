import struct
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageSequence

from tests.integration.adapters.media.pillow.image_publishing import publish
from tests.support.images import SECRET, animated_gif, decode


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
