"""What JPEG and PNG have in common: opening, colors, orientation and metadata."""

import io
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import PIL.Image
from PIL import ExifTags, ImageCms, ImageFile, ImageOps

from adapters.pillow.limits import LimitChecker, LimitedReader
from application.ports.images import EncodedImage
from domain.errors import InvalidImage
from domain.media.image import Image, ImageFormat

MAX_PROFILE_SIZE: Final = 4 * 1024 * 1024
"""In bytes. Profiles of printers have up to 3 MB; larger ones are ignored."""
_MAX_EXIF_SIZE: Final = 64 * 1024
"""In bytes, as in a JPEG. Pillow takes a second for a PNG with all tags that are possible."""
_SRGB: Final = "sRGB"
_ORIENTATION: Final = ExifTags.Base.Orientation
# An attribute or an element (XMP part 1, 7.9).
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
_ImageFile = TypeVar("_ImageFile", bound=ImageFile.ImageFile)


@dataclass(frozen=True, slots=True)
class ParsedImage:
    """A parsed file of one still image. Its three parts, joined, are a file of the same format.

    Attributes:
        start: What the file begins with.
        metadata: EXIF and XMP metadata and the ICC profile.
        compressed: The compressed pixels, and what a decoder needs for them.
        width: Width in pixels, before rotation.
        height: Height in pixels, before rotation.
    """

    start: bytes
    metadata: bytes
    compressed: bytes
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.width * self.height


def open_parsed(
    parsed: ParsedImage, open_file: Callable[[LimitedReader], _ImageFile], limits: LimitChecker
) -> _ImageFile:
    """Open a parsed file. `load` decodes its pixels.

    Pillow rejects an image whose metadata it cannot read. Then that is ignored.

    Raises:
        InvalidImage: Pillow sees another size than the parser.
    """
    try:
        content = b"".join([parsed.start, parsed.metadata, parsed.compressed])
        image = open_file(LimitedReader(content, limits))
    except Exception:  # noqa: BLE001 - Pillow has no common exception
        image = open_file(LimitedReader(parsed.start + parsed.compressed, limits))
    # Only pixels that were counted are decoded.
    if image.size != (parsed.width, parsed.height):
        raise InvalidImage
    return image


def normalize(image: PIL.Image.Image) -> PIL.Image.Image:
    """Rotate the image as its metadata says, convert it to sRGB, and drop all metadata.

    This may change the given image. Metadata that is broken is ignored, as browsers do.
    """
    image.load()
    metadata = image.info
    _drop_metadata(image)
    image.getexif()[_ORIENTATION] = orientation = _read_orientation(metadata)
    if orientation != 1:  # Pillow would copy an upright image
        image = ImageOps.exif_transpose(image)
    icc_profile = metadata.get("icc_profile") or b""
    if 0 < len(icc_profile) <= MAX_PROFILE_SIZE:
        with suppress(ImageCms.PyCMSError, OSError):
            image = _apply_profile(image, ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)))
    if image.mode == "CMYK":
        image = image.convert("RGB")
    # Pillow notes the new profile.
    _drop_metadata(image)
    return image


def published_image(
    image_format: ImageFormat, size: tuple[int, int], content: bytes
) -> EncodedImage:
    """Return an encoded image with its properties."""
    width, height = size
    return EncodedImage(Image(image_format, width, height, len(content)), io.BytesIO(content))


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


def _drop_metadata(image: PIL.Image.Image) -> None:
    """Remove what Pillow would write besides the pixels, e.g. the profile."""
    image.info = {name: value for name, value in image.info.items() if name == "transparency"}


def _read_orientation(metadata: dict[str | tuple[int, int], Any]) -> int:
    """Return the orientation of the EXIF metadata, or else of the XMP metadata.

    The search is ours: Pillow's takes the number 60 for 6, and finds no single quotes.
    """
    exif = PIL.Image.Exif()
    with suppress(Exception):
        exif.load(metadata.get("exif", b"")[:_MAX_EXIF_SIZE])
        if _ORIENTATION in exif:
            return int(exif[_ORIENTATION])
    found = _XMP_ORIENTATION.search(metadata.get("xmp", b""))
    return int(found[1]) if found else 1
