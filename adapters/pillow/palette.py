"""Palettes keep only the colors that pixels use: the others can hide data."""

from collections.abc import Set as AbstractSet

import PIL.Image


def used_indices(image: PIL.Image.Image) -> set[int]:
    """Return the color indices of all pixels of an image with one band."""
    return {index for index, count in enumerate(image.histogram()) if count}


def drop_unused_colors(palette: bytes, indices: AbstractSet[int]) -> bytes:
    """Return a palette of the same size in which all other colors are black."""
    kept = bytearray(len(palette))
    for index in indices:
        kept[3 * index : 3 * index + 3] = palette[3 * index : 3 * index + 3]
    return bytes(kept)
