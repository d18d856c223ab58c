"""Pixels of a still image: upright, in sRGB or gray, with 8 bits, and without metadata."""

import io
import re
from contextlib import suppress
from typing import Any, Final

import PIL.Image
from PIL import ExifTags, ImageCms, ImageOps
from PIL.PngImagePlugin import PngImageFile

MAX_PROFILE_SIZE: Final = 4 * 1024 * 1024
"""In bytes. Profiles of printers have up to 3 MB; larger ones are ignored."""
_MAX_EXIF_SIZE: Final = 64 * 1024
"""In bytes, as in a JPEG. Pillow takes a second for a PNG with all tags that are possible."""
_SRGB: Final = "sRGB"
_ORIENTATION: Final = ExifTags.Base.Orientation
# An attribute or an element (XMP part 1, 7.9).
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
_SWAPS_SIDES: Final = {5, 6, 7, 8}
_SAMPLE_SCALES: Final = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}
"""How Pillow scales the samples of a PNG, but not its transparent color."""


def swaps_sides(image: PIL.Image.Image) -> bool:
    """Return whether the orientation exchanges width and height."""
    return _read_orientation(image.info) in _SWAPS_SIDES


def normalize(image: PIL.Image.Image) -> PIL.Image.Image:
    """Return the image as L, LA, RGB or RGBA. This may change the given image.

    Metadata that is broken is ignored, as browsers do.
    """
    transparent = _read_transparent_color(image)
    image.load()
    metadata = image.info
    orientation = _read_orientation(metadata)
    image.info = {} if transparent is None else {"transparency": transparent}
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
    if has_alpha(image) and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert(image.mode[:-1])
    image.info = {}
    return image


def has_alpha(image: PIL.Image.Image) -> bool:
    """Return whether a normalized image has an alpha channel."""
    return image.mode in {"LA", "RGBA"}


def _to_eight_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert palettes, single bits, 16 bits and transparent colors."""
    if image.mode.startswith("I"):  # 16 bits
        samples, transparent = image.convert("I"), image.info.get("transparency")
        image = samples.point([level >> 8 for level in range(65_536)], "L")
        if transparent is not None:
            alpha = [255 * (level != transparent) for level in range(65_536)]
            image.putalpha(samples.point(alpha, "L"))
        return image
    if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"} and "transparency" not in image.info:
        return image
    mode = "L" if image.mode in {"1", "L"} else "RGB"
    return image.convert(f"{mode}A" if image.has_transparency_data else mode)


def _read_transparent_color(image: PIL.Image.Image) -> Any:
    """Return it in the scale of the pixels, before they are loaded: or the palette's opacities."""
    color = image.info.get("transparency")
    if color is None or not isinstance(image, PngImageFile):
        return color
    scale = _SAMPLE_SCALES.get(str(image.tile[0].args), 1)
    return tuple(int(level * scale) for level in color) if image.mode == "RGB" else color * scale


def _apply_profile(image: PIL.Image.Image, profile: ImageCms.ImageCmsProfile) -> PIL.Image.Image:
    # Most phones use a profile of this name. A conversion would only round all colors again.
    if ImageCms.getProfileDescription(profile).startswith(_SRGB):
        return image
    if image.mode not in {"L", "LA"}:
        return _transform(image, profile)
    gray = _transform(image.getchannel("L"), profile).convert("L")
    if image.mode == "LA":
        gray.putalpha(image.getchannel("A"))
    return gray


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
