"""Pixels of a still image: upright, in sRGB or gray, with 8 bits, and without metadata."""

import io
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import PIL.Image
from PIL import ExifTags, ImageChops, ImageCms, ImageOps
from PIL.PngImagePlugin import PngImageFile

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
_HDR_TRANSFERS: Final = {16, 18}
"""PQ and HLG (ITU-T H.273, table 3)."""
# Dark colors too: curves differ most there.
_LEVELS: Final = (0, 10, 25, 60, 120, 190, 255)
_SAMPLES: Final = bytes(
    level
    for red in _LEVELS
    for green in _LEVELS
    for blue in _LEVELS
    for level in (red, green, blue)
)


def is_hdr(image: PIL.Image.Image, transfer: int | None) -> bool:
    """Return whether the samples are brighter than displays.

    `transfer` is what a PNG says; pillow-heif tells what a HEIC says.
    """
    if image.format == "HEIF" and (nclx := image.info.get("nclx_profile")):
        transfer = nclx["transfer_characteristics"]
    return transfer in _HDR_TRANSFERS


def swaps_sides(image: PIL.Image.Image) -> bool:
    """Return whether the orientation exchanges width and height."""
    return _read_orientation(image) in _SWAPS_SIDES


def normalize(image: PIL.Image.Image, *, is_turned: bool) -> PIL.Image.Image:
    """Return the image as L, LA, RGB or RGBA. This may change the given image.

    Metadata that is broken is ignored, as browsers do. Colors without an ICC profile are those of
    sRGB. `is_turned` says that the decoder turns the image, so its orientation is ignored: HEIC may
    repeat its rotation in EXIF and XMP (ISO/IEC 23008-12, A.2.1).
    """
    transparent = _read_transparent_color(image)
    # Chunks after the pixels of a PNG have an orientation, but no profile.
    profile = image.info.get("icc_profile")
    image.load()
    orientation = 1 if is_turned else _read_orientation(image)
    image.info = {} if transparent is None else {"transparency": transparent}
    if orientation != 1:  # Pillow would copy the image
        image.getexif()[_ORIENTATION] = orientation
        image = ImageOps.exif_transpose(image)
    image = _to_eight_bits(image)
    if isinstance(profile, bytes) and 0 < len(profile) <= MAX_PROFILE_SIZE:
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            image = _apply_profile(image, profile)
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


def _read_orientation(image: PIL.Image.Image) -> int:
    """Return the orientation of the EXIF metadata, or else of the XMP metadata.

    The search is ours: Pillow's takes the number 60 for 6, and finds no single quotes.
    """
    metadata = image.info
    if image.format == "HEIF" and (orientation := metadata["original_orientation"]):
        return int(orientation)  # pillow-heif has set it to 1 in EXIF or XMP
    exif = PIL.Image.Exif()
    with suppress(Exception):
        exif.load((metadata.get("exif") or b"")[:_MAX_EXIF_SIZE])
        if _ORIENTATION in exif:
            return int(exif[_ORIENTATION])
    found = _XMP_ORIENTATION.search(metadata.get("xmp") or b"")
    return int(found[1]) if found else 1


def _apply_profile(image: PIL.Image.Image, content: bytes) -> PIL.Image.Image:
    """Convert an image to sRGB, unless its colors are that already. This may change the image.

    Raises:
        OSError: The profile is broken.
        PIL.ImageCms.PyCMSError: It is not for this kind of image.
    """
    if _is_srgb(content, image.mode.removesuffix("A")):
        return image
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    if image.mode not in {"L", "LA"}:
        return _transform(image, profile)
    gray = _transform(image.getchannel("L"), profile).convert("L")
    if image.mode == "LA":
        gray.putalpha(image.getchannel("A"))
    return gray


@lru_cache(maxsize=8)  # a profile has at most a few megabytes
def _is_srgb(content: bytes, mode: str) -> bool:
    """Return whether a profile changes no color by more than one level.

    Its name does not decide: profiles of other color spaces have been given that of sRGB.

    Raises:
        OSError, PIL.ImageCms.PyCMSError
    """
    if mode not in {"L", "RGB"}:
        return False
    samples = PIL.Image.frombytes(mode, (len(_SAMPLES) // len(mode), 1), _SAMPLES)
    expected = samples.convert("RGB")
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    result = _transform(samples, profile, ImageCms.Flags.NOOPTIMIZE)  # it takes 2 ms
    difference = ImageChops.difference(result, expected).tobytes()
    return max(difference) <= 1


def _transform(
    image: PIL.Image.Image,
    profile: ImageCms.ImageCmsProfile,
    flags: ImageCms.Flags = ImageCms.Flags.NONE,
) -> PIL.Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    target = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(profile, target, image.mode, mode, flags=flags)
    # In place if possible: two copies of a large image need too much memory.
    return ImageCms.applyTransform(image, transform, inPlace=image.mode == mode) or image
