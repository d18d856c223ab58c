"""Pixels of a still image: upright, in sRGB or gray, with 8 bits, and without metadata."""

import io
import re
from contextlib import suppress
from typing import Any, Final

import PIL.Image
from PIL import ExifTags, ImageCms, ImageOps

MAX_PROFILE_SIZE: Final = 4 * 1024 * 1024
"""In bytes. Profiles of printers have up to 3 MB; larger ones are ignored."""
_MAX_EXIF_SIZE: Final = 64 * 1024
"""In bytes, as in a JPEG. Pillow takes a second for a PNG with all tags that are possible."""
_SRGB: Final = "sRGB"
_ORIENTATION: Final = ExifTags.Base.Orientation
# An attribute or an element (XMP part 1, 7.9).
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
_SWAPS_SIDES: Final = {5, 6, 7, 8}


def swaps_sides(image: PIL.Image.Image) -> bool:
    """Return whether the orientation exchanges width and height."""
    return _read_orientation(image.info) in _SWAPS_SIDES


def normalize(image: PIL.Image.Image) -> PIL.Image.Image:
    """Return the image as L, LA, RGB or RGBA. This may change the given image.

    Metadata that is broken is ignored, as browsers do.
    """
    image.load()
    metadata = image.info
    orientation = _read_orientation(metadata)
    image.info = {name: value for name, value in metadata.items() if name == "transparency"}
    image.getexif()[_ORIENTATION] = orientation
    if orientation != 1:  # Pillow would copy an upright image
        image = ImageOps.exif_transpose(image)
    image = _to_eight_bits(image)
    icc_profile = metadata.get("icc_profile") or b""
    if 0 < len(icc_profile) <= MAX_PROFILE_SIZE:
        with suppress(ImageCms.PyCMSError, OSError):
            image = _apply_profile(image, ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)))
    if image.mode == "CMYK":
        image = image.convert("RGB")
    if image.mode in {"LA", "RGBA"} and _min_alpha(image) == 255:
        image = image.convert(image.mode[:-1])
    image.info = {}
    return image


def has_alpha(image: PIL.Image.Image) -> bool:
    """Return whether a normalized image has an alpha channel."""
    return image.mode in {"LA", "RGBA"}


def _to_eight_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert palettes, single bits, 16 bits and transparent colors."""
    if image.mode.startswith("I"):  # 16 bits
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"} and "transparency" not in image.info:
        return image
    is_gray = image.mode in {"1", "L"}
    if image.has_transparency_data:
        return image.convert("LA" if is_gray else "RGBA")
    return image.convert("L" if is_gray else "RGB")


def _min_alpha(image: PIL.Image.Image) -> float:
    low, _ = image.getchannel("A").getextrema()
    return low if isinstance(low, int | float) else 0


def _apply_profile(image: PIL.Image.Image, profile: ImageCms.ImageCmsProfile) -> PIL.Image.Image:
    # Most phones use a profile of this name. A conversion would only round all colors again.
    if ImageCms.getProfileDescription(profile).startswith(_SRGB):
        return image
    match image.mode:
        case "L":
            return _transform(image, profile).convert("L")
        case "LA":
            gray, alpha = image.split()
            return PIL.Image.merge("LA", (_transform(gray, profile).convert("L"), alpha))
        case _:
            return _transform(image, profile)


def _transform(image: PIL.Image.Image, profile: ImageCms.ImageCmsProfile) -> PIL.Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    target = ImageCms.createProfile(_SRGB)
    transform = ImageCms.buildTransform(profile, target, image.mode, mode)
    # In place if possible: two copies of a large image need too much memory.
    return ImageCms.applyTransform(image, transform, inPlace=image.mode == mode) or image


def _read_orientation(metadata: dict[str | tuple[int, int], Any]) -> int:
    """Return the orientation of the EXIF metadata, or else of the XMP metadata.

    The search is ours: Pillow's takes the number 60 for 6, and finds no single quotes.
    """
    exif = PIL.Image.Exif()
    with suppress(Exception):
        exif.load((metadata.get("exif") or b"")[:_MAX_EXIF_SIZE])
        if _ORIENTATION in exif:
            return int(exif[_ORIENTATION])
    found = _XMP_ORIENTATION.search(metadata.get("xmp") or b"")
    return int(found[1]) if found else 1
