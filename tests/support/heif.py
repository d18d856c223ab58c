"""HEIC files with other properties of their images (ISO/IEC 23008-12, 9.3)."""

import struct
from collections.abc import Sequence


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def ispe(width: int, height: int) -> bytes:
    """The size of an image in pixels."""
    return box(b"ispe", struct.pack(">4xII", width, height))


def nclx(primaries: int, transfer: int, matrix: int = 6) -> bytes:
    """A `colr` box with code points of H.273 and full range."""
    return box(b"colr", b"nclx" + struct.pack(">3HB", primaries, transfer, matrix, 0x80))


def icc(profile: bytes) -> bytes:
    """A `colr` box with an ICC profile."""
    return box(b"colr", b"prof" + profile)


def clap(*fractions: tuple[int, int]) -> bytes:
    """A clean aperture: width, height, and the distance of its center from that of the image."""
    return box(b"clap", b"".join(struct.pack(">ii", *fraction) for fraction in fractions))


def irot(quarter_turns: int) -> bytes:
    """A rotation, anti-clockwise."""
    return box(b"irot", bytes([quarter_turns]))


def imir(axis: int) -> bytes:
    """An exchange of top and bottom (0), or of left and right (1)."""
    return box(b"imir", bytes([axis]))


def with_properties(content: bytes, *properties: bytes, kept: Sequence[bytes] = ()) -> bytes:
    """Replace the properties that say how the only image of a file is shown.

    Args:
        content: A file as pillow-heif writes it.
        properties: Boxes, in their order in `ipma`.
        kept: The names of boxes that stay, among `colr`, `clap`, `irot` and `imir`.
    """
    start = content.index(b"meta") - 4
    size = int.from_bytes(content[start : start + 4])
    boxes = {each[4:8]: each for each in _boxes(content[start + 12 : start + size])}
    ipco, ipma = _boxes(boxes[b"iprp"][8:])
    old = _boxes(ipco[8:])
    dropped = {b"colr", b"clap", b"irot", b"imir"} - set(kept)
    indices = [index for index in ipma[19:] if old[(index & 0x7F) - 1][4:8] not in dropped]
    indices += [0x80 | len(old) + 1 + number for number in range(len(properties))]
    changed = box(b"ipco", ipco[8:] + b"".join(properties))
    changed += box(b"ipma", ipma[8:18] + bytes([len(indices), *indices]))
    boxes[b"iprp"] = box(b"iprp", changed)
    # At the end, so that the data stay where they are.
    return content.replace(b"meta", b"free", 1) + box(b"meta", bytes(4) + b"".join(boxes.values()))


def _boxes(content: bytes) -> list[bytes]:
    found = []
    while content:
        size = int.from_bytes(content[:4])
        found.append(content[:size])
        content = content[size:]
    return found
