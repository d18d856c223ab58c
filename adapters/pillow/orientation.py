"""Which way up a picture is, as cameras note it in EXIF."""

import struct
from typing import Final

from PIL import Image

_TAG, _SHORT = 0x0112, 3
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, exif: bytes) -> Image.Image:
    """Turn the picture the way that its EXIF says; a broken EXIF says nothing."""
    turn = _TURNS.get(_orientation(exif))
    return image if turn is None else image.transpose(turn)


def _orientation(exif: bytes) -> int:
    """Look the orientation up in the first directory of a TIFF structure."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, directory)
        for entry in range(count):
            at = directory + 2 + 12 * entry
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, at)
            if (tag, kind) == (_TAG, _SHORT):
                return int(value)
    except struct.error:
        pass
    return 1
