"""The color space of a PNG without an ICC profile (PNG third edition, 4.3 and 11.3.2)."""

from collections.abc import Mapping
from typing import Any

from adapters.pillow.color_spaces import ColorSpace, from_code_points, from_gamma
from adapters.pillow.limits import Content
from adapters.pillow.png import read_chunks


def read_code_points(content: Content) -> ColorSpace | None:
    """Read the chunk cICP, which Pillow does not know. It comes before the pixels.

    The checksum is ignored, as Pillow does for chunks that are not critical. Pixels of a PNG are
    RGB or gray: other matrix coefficients than 0 are invalid. Samples may have a narrow range.
    """
    for name, part in read_chunks(content):
        if name == b"IDAT":
            return None
        if name == b"cICP" and len(content[part]) == 4:
            primaries, transfer, matrix, is_full = content[part]
            if not matrix and is_full in {0, 1}:
                return from_code_points(primaries, transfer, is_narrow=not is_full)
    return None


def read_other_chunks(info: Mapping[str | tuple[int, int], Any]) -> ColorSpace | None:
    """Return the color space of the chunks that Pillow has read: sRGB, or else gAMA and cHRM.

    As in browsers, cHRM counts only with gAMA.
    """
    if "srgb" in info:
        return ColorSpace()
    return from_gamma(info.get("gamma", 0), info.get("chromaticity"))
