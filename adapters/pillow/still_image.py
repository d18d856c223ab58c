"""What JPEG and PNG have in common: opening, colors and orientation."""

import io
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import PIL.Image
import PIL.ImageFile
from PIL import ImageCms

from adapters.pillow.limits import LimitChecker, LimitedReader
from application.ports.images import PublishedImage
from domain.errors import InvalidImage
from domain.media.image import Image, ImageFormat

MAX_PROFILE_SIZE: Final = 4 * 1024 * 1024
"""In bytes. Profiles of printers have up to 3 MB; larger ones are ignored."""
_SRGB: Final = "sRGB"
_ORIENTATION_TAG, _SHORT = 0x0112, 3
# An attribute or an element (XMP part 1, 7.9).
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
_TRANSPOSITIONS: Final = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ParsedImage:
    """A parsed file of one still image.

    Attributes:
        content: A file of the same format with the data of the pixels and nothing else.
        width: Width in pixels, before rotation.
        height: Height in pixels, before rotation.
        exif: The TIFF structure of the EXIF metadata, or empty.
        xmp: The XMP metadata, or empty.
        icc_profile: The ICC profile, or empty.
    """

    content: bytes
    width: int
    height: int
    exif: bytes = b""
    xmp: bytes = b""
    icc_profile: bytes = b""

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.width * self.height


def open_parsed(
    parsed: ParsedImage, image_format: ImageFormat, limits: LimitChecker
) -> PIL.ImageFile.ImageFile:
    """Open a parsed file as this format only. `load` decodes its pixels.

    Raises:
        InvalidImage: Pillow sees another size than the parser.
    """
    reader = LimitedReader(parsed.content, limits)
    image = PIL.Image.open(reader, formats=[image_format.name])
    # Only pixels that were counted are decoded.
    if image.size != (parsed.width, parsed.height):
        raise InvalidImage
    return image


def convert_to_srgb(image: PIL.Image.Image, icc_profile: bytes) -> PIL.Image.Image:
    """Convert the colors to sRGB, and CMYK to RGB. This may change the given image.

    An unusable profile is ignored, as browsers do.
    """
    if icc_profile:
        with suppress(ImageCms.PyCMSError, OSError):
            image = _apply_profile(image, ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)))
    return image.convert("RGB") if image.mode == "CMYK" else image


def apply_orientation(image: PIL.Image.Image, parsed: ParsedImage) -> PIL.Image.Image:
    """Rotate and flip the image as its EXIF metadata says, or else its XMP metadata.

    Broken metadata is ignored.
    """
    orientation = _exif_orientation(parsed.exif) or _xmp_orientation(parsed.xmp)
    transposition = _TRANSPOSITIONS.get(orientation)
    return image if transposition is None else image.transpose(transposition)


def drop_metadata(image: PIL.Image.Image) -> PIL.Image.Image:
    """Remove what Pillow would write besides the pixels, e.g. the profile."""
    image.info = {name: value for name, value in image.info.items() if name == "transparency"}
    return image


def published_image(
    image_format: ImageFormat, size: tuple[int, int], content: bytes
) -> PublishedImage:
    """Return an encoded image with its properties."""
    width, height = size
    return PublishedImage(Image(image_format, width, height, len(content)), content)


def _apply_profile(image: PIL.Image.Image, profile: ImageCms.ImageCmsProfile) -> PIL.Image.Image:
    # Most phones use a profile of this name. A conversion would only round all colors again.
    if ImageCms.getProfileDescription(profile).startswith(_SRGB):
        return image
    if image.mode in {"L", "RGB"} and "transparency" in image.info:
        # The conversion would change the color that is transparent.
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    match image.mode:
        case "RGB" | "RGBA" | "CMYK":
            return _transform(image, profile)
        case "L":
            return _transform(image, profile).convert("L")
        case "LA":
            gray, alpha = image.split()
            return PIL.Image.merge("LA", (_transform(gray, profile).convert("L"), alpha))
        case "P":
            return _transform_palette(image, profile)
        case _:
            return image


def _transform(image: PIL.Image.Image, profile: ImageCms.ImageCmsProfile) -> PIL.Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    target = ImageCms.createProfile(_SRGB)
    transform = ImageCms.buildTransform(profile, target, image.mode, mode)
    # In place if possible: two copies of a large image need too much memory.
    return ImageCms.applyTransform(image, transform, inPlace=image.mode == mode) or image


def _transform_palette(
    image: PIL.Image.Image, profile: ImageCms.ImageCmsProfile
) -> PIL.Image.Image:
    palette = bytes(image.getpalette("RGB") or ())
    colors = PIL.Image.frombytes("RGB", (len(palette) // 3, 1), palette)
    image.putpalette(_transform(colors, profile).tobytes())
    return image


def _exif_orientation(exif: bytes) -> int:
    """Return the orientation from the first directory of a TIFF structure, 0 if it has none."""
    byte_order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if byte_order is None:
        return 0
    try:
        (directory,) = struct.unpack_from(f"{byte_order}I", exif, 4)
        (count,) = struct.unpack_from(f"{byte_order}H", exif, directory)
        for number in range(count):
            offset = directory + 2 + 12 * number
            tag, field_type, _, value = struct.unpack_from(f"{byte_order}HHIH", exif, offset)
            if (tag, field_type) == (_ORIENTATION_TAG, _SHORT):
                return int(value)
    except struct.error:
        pass
    return 0


def _xmp_orientation(xmp: bytes) -> int:
    found = _XMP_ORIENTATION.search(xmp)
    return int(found[1]) if found else 0
