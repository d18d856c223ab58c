"""The color space of a PNG without an ICC profile (PNG third edition, 4.3 and 11.3.2)."""

import mmap
import struct
from collections.abc import Mapping
from typing import Any, Final

from adapters.pillow.color_spaces import ColorSpace, from_code_points, from_gamma

_FIRST_CHUNK: Final = 8


def read_code_points(content: mmap.mmap) -> ColorSpace | None:
    """Read the chunk cICP, which Pillow does not know. It comes before the pixels.

    The checksum is ignored, as Pillow does for chunks that are not critical. Pixels of a PNG are
    RGB or gray: other matrix coefficients than 0 are invalid. Samples may have a narrow range.
    """
    offset = _FIRST_CHUNK
    while offset + 12 <= len(content):
        size, name = struct.unpack_from(">I4s", content, offset)
        if name == b"IDAT":
            return None
        if name == b"cICP" and size == 4:
            primaries, transfer, matrix, is_full = struct.unpack_from("4B", content, offset + 8)
            if not matrix and is_full in {0, 1}:
                return from_code_points(primaries, transfer, is_narrow=not is_full)
        offset += 12 + size
    return None


def read_chunks(info: Mapping[str | tuple[int, int], Any]) -> ColorSpace | None:
    """Return the color space of the chunks that Pillow has read: sRGB, or else gAMA and cHRM.

    As in browsers, cHRM counts only with gAMA.
    """
    if "srgb" in info:
        return ColorSpace()
    return from_gamma(info.get("gamma", 0), info.get("chromaticity"))
