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
    """Replace the properties of the first item that say how it is shown.

    Args:
        content: A file with `ipma` of version 0 and few properties, as Pillow writes it.
        properties: Boxes, in their order in `ipma`.
        kept: The names of boxes that stay, among `colr`, `clap`, `irot` and `imir`.
    """
    dropped = {b"colr", b"clap", b"irot", b"imir"} - set(kept)
    start, end = _find(content, b"ipco", 0, len(content))
    old = list(_boxes(content, start + 8, end))
    names = [content[at + 4 : at + 8] for at, _ in old]
    ipco = box(b"ipco", content[start + 8 : end] + b"".join(properties))
    at, after = _find(content, b"ipma", 0, len(content))
    associations = bytearray(content[at + 8 : after])
    (count,) = struct.unpack_from(">I", associations, 4)
    entries, position = [], 8
    for number in range(count):
        item, length = struct.unpack_from(">HB", associations, position)
        indices = list(associations[position + 3 : position + 3 + length])
        position += 3 + length
        if not number:
            indices = [index for index in indices if names[(index & 0x7F) - 1] not in dropped]
            indices += [0x80 | len(old) + 1 + index for index in range(len(properties))]
        entries.append(struct.pack(">HB", item, len(indices)) + bytes(indices))
    ipma = box(b"ipma", bytes(associations[:8]) + b"".join(entries))
    changed = _replace(content, b"ipma", ipma)
    changed = _replace(changed, b"ipco", ipco)
    return _move_data(changed, len(changed) - len(content))


def _boxes(content: bytes, start: int, end: int) -> Sequence[tuple[int, int]]:
    found = []
    while start < end:
        after = start + int.from_bytes(content[start : start + 4])
        found.append((start, after))
        start = after
    return found


def _find(content: bytes, name: bytes, start: int, end: int) -> tuple[int, int]:
    at = content.index(name, start, end) - 4
    return at, at + int.from_bytes(content[at : at + 4])


def _replace(content: bytes, name: bytes, new: bytes) -> bytes:
    """Replace a box, and correct the sizes of the boxes around it."""
    start, end = _find(content, name, 0, len(content))
    growth = len(new) - (end - start)
    changed = bytearray(content[:start] + new + content[end:])
    for outer in (b"meta", b"iprp"):
        at, after = _find(content, outer, 0, len(content))
        changed[at : at + 4] = (after - at + growth).to_bytes(4)
    return bytes(changed)


def _move_data(content: bytes, growth: int) -> bytes:
    """Correct the positions in `iloc` after the metadata has grown."""
    at, _ = _find(content, b"iloc", 0, len(content))
    changed, version = bytearray(content), content[at + 8]
    offset_size, length_size = content[at + 12] >> 4, content[at + 12] & 15
    base_size, index_size = content[at + 13] >> 4, content[at + 13] & 15 if version else 0
    (count,) = struct.unpack_from(">H", content, at + 14)
    at += 16
    for _ in range(count):
        in_file = not version or content[at + 3] & 15 == 0
        at += 6 if version else 4
        moved = [at] if base_size else []  # extents are relative to it
        at += base_size
        (extents,) = struct.unpack_from(">H", content, at)
        at += 2
        for _ in range(extents):
            at += index_size
            moved += [] if base_size else [at]
            at += offset_size + length_size
        size = base_size or offset_size
        for position in moved if in_file else ():
            offset = int.from_bytes(content[position : position + size])
            changed[position : position + size] = (offset + growth).to_bytes(size)
    return bytes(changed)
