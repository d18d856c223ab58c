"""Pixels of a still image: upright, in sRGB or gray, with 8 bits, and without metadata."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import PIL.Image
from PIL import ExifTags, ImageCms, ImageOps
from PIL.PngImagePlugin import PngImageFile

from adapters.pillow.avif_properties import (
    is_turned,
    read_properties,
    transform,
    transformed_size,
)
from adapters.pillow.color_spaces import ADOBE_RGB, ColorSpace, from_code_points
from adapters.pillow.icc_profiles import apply_profile, make_profile
from adapters.pillow.limits import Content, LimitChecker
from adapters.pillow.png_colors import read_code_points, read_other_chunks
from adapters.pillow.tone_mapping import tone_map

MAX_PROFILE_SIZE: Final = 4 * 1024 * 1024
"""In bytes. Profiles of printers have up to 3 MB; larger ones are ignored."""
_MAX_EXIF_SIZE: Final = 64 * 1024
"""In bytes, as in a JPEG. Pillow takes a second for a PNG with all tags that are possible."""
_ORIENTATION: Final = ExifTags.Base.Orientation
# An attribute or an element (XMP part 1, 7.9).
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
_SWAPS_SIDES: Final = {5, 6, 7, 8}
_SAMPLE_SCALES: Final = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}
"""How Pillow scales the samples of a PNG, but not its transparent color."""
# What `add_properties` adds to the metadata of Pillow.
_CICP: Final = "dialtone_cicp"
_NCLX: Final = "dialtone_nclx"
_TRANSFORMATIONS: Final = "dialtone_transformations"
_UNCALIBRATED, _ADOBE_RGB, _DCF_OPTION = 0xFFFF, 2, "R03"
Metadata = dict[str | tuple[int, int], Any]


def add_properties(image: PIL.Image.Image, content: Content, limits: LimitChecker) -> None:
    """Add what Pillow does not return to the metadata of an image that is not decoded yet.

    Raises:
        InvalidImage
    """
    if image.format == "PNG":
        image.info[_CICP] = read_code_points(content)
    elif image.format == "AVIF":
        properties = read_properties(content, limits)
        if properties.transformations is not None:
            image.info[_TRANSFORMATIONS] = properties.transformations
        image.info[_NCLX] = properties.color_space
    elif image.format == "HEIF":
        if is_turned(content, limits):
            image.info[_TRANSFORMATIONS] = ()  # libheif applies them
        elif orientation := image.info["original_orientation"]:
            # pillow-heif has read it from EXIF or XMP, and set it to 1 there.
            exif = PIL.Image.Exif()
            exif[_ORIENTATION] = orientation
            image.info["exif"] = exif.tobytes()
        if nclx := image.info.get("nclx_profile"):
            code_points = nclx["color_primaries"], nclx["transfer_characteristics"]
            image.info[_NCLX] = from_code_points(*code_points)


def upright_size(image: PIL.Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size after `normalize` of an image that has this size before."""
    if _TRANSFORMATIONS in image.info:
        return transformed_size(size, image.info[_TRANSFORMATIONS])
    return size[::-1] if swaps_sides(image) else size


def swaps_sides(image: PIL.Image.Image) -> bool:
    """Return whether the orientation exchanges width and height."""
    return _read_orientation(image.info) in _SWAPS_SIDES


def normalize(image: PIL.Image.Image) -> PIL.Image.Image:
    """Return the image as L, LA, RGB or RGBA. This may change the given image.

    Metadata that is broken is ignored, as browsers do.
    """
    transparent = _read_transparent_color(image)
    # Chunks after the pixels of a PNG have an orientation, but no color space.
    color_spaces = _color_spaces({**image.info}, image.format)
    image.load()
    metadata = image.info
    image.info = {} if transparent is None else {"transparency": transparent}
    image = _to_eight_bits(_turn_upright(image, metadata))
    for color_space in color_spaces:
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            image = _to_srgb(image, color_space)
            break
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


def _turn_upright(image: PIL.Image.Image, metadata: Metadata) -> PIL.Image.Image:
    """Apply the transformations of AVIF and HEIC, or else the orientation of EXIF or XMP.

    AVIF and HEIC may repeat their rotation in EXIF and XMP (ISO/IEC 23008-12, A.2.1).
    """
    if _TRANSFORMATIONS in metadata:
        return transform(image, metadata[_TRANSFORMATIONS])
    orientation = _read_orientation(metadata)
    if orientation == 1:  # Pillow would copy the image
        return image
    image.getexif()[_ORIENTATION] = orientation
    return ImageOps.exif_transpose(image)


def _color_spaces(metadata: Metadata, image_format: str | None) -> Iterator[bytes | ColorSpace]:
    """Yield the color spaces of a file, as ICC profiles or numbers, the one that counts first.

    PNG has cICP, iCCP, sRGB, gAMA with cHRM, in this order (third edition, 4.3). AVIF and HEIC have
    an ICC profile before nclx (ISO/IEC 23000-22, 7.3.6.4). A JPEG of a camera without a profile is
    in Adobe RGB if its EXIF metadata say so (DCF 2.0 and EXIF 2.3, 4.6.8).
    """
    candidates = [metadata.get(_CICP)]
    icc_profile = metadata.get("icc_profile") or b""
    if 0 < len(icc_profile) <= MAX_PROFILE_SIZE:
        candidates.append(icc_profile)
    candidates += [metadata.get(_NCLX), read_other_chunks(metadata)]
    yield from (candidate for candidate in candidates if candidate is not None)
    if image_format == "JPEG" and _is_adobe_rgb(metadata):
        yield ADOBE_RGB


def _to_srgb(image: PIL.Image.Image, color_space: bytes | ColorSpace) -> PIL.Image.Image:
    if isinstance(color_space, bytes):
        return apply_profile(image, color_space)
    if color_space == ColorSpace():
        return image
    if color_space.is_hdr:
        return tone_map(image, color_space)
    return apply_profile(image, make_profile(color_space, is_gray=image.mode in {"L", "LA"}))


def _is_adobe_rgb(metadata: Metadata) -> bool:
    exif = PIL.Image.Exif()
    with suppress(Exception):
        exif.load((metadata.get("exif") or b"")[:_MAX_EXIF_SIZE])
        color_space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
        is_option = color_space == _UNCALIBRATED and index == _DCF_OPTION
        return color_space == _ADOBE_RGB or is_option
    return False


def _read_orientation(metadata: Metadata) -> int:
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
