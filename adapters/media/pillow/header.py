"""What the headers of a file say, before it is decoded.

Pillow counts only by decoding, or after it has reserved memory for the canvas.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """The header's data on the image, or on its first frame unless the file is a GIF.

    Attributes:
        size: Width and height in pixels, before a crop and a rotation.
        is_turned: Whether a HEIC has a rotation or a mirror, which libheif applies.
        transfer: The transfer function in the cICP of a PNG (ITU-T H.273), or None.
    """

    size: tuple[int, int]
    is_lossless: bool = False
    is_turned: bool = False
    transfer: int | None = None

    @property
    def pixels(self) -> int:
        width, height = self.size
        return width * height
