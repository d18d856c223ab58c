from dataclasses import dataclass
from typing import Final

LARGEST_PROFILE: Final = 4 * 1024 * 1024
"""Printers' profiles have up to 3 MB; a larger one is as good as none."""


@dataclass(frozen=True, slots=True)
class Essence:
    """A still picture taken apart.

    `content` is a file of the same format with nothing in it but the pixels; `exif` (a TIFF
    structure) and `profile` (an ICC profile) are empty where there are none.
    """

    content: bytes
    width: int
    height: int
    exif: bytes = b""
    profile: bytes = b""
