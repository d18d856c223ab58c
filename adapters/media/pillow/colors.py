"""Pixels of a still image: upright, in sRGB or gray, with 8 bits, and without metadata."""

import io
from contextlib import suppress
from typing import Any, Final

import PIL.Image
from PIL import ExifTags, ImageCms, ImageOps
from PIL.PngImagePlugin import PngImageFile

MAX_PROFILE_SIZE: Final = 4 * 1024 * 1024
"""Bytes of a color profile. Those of printers have up to 3 MB; larger ones are ignored."""
_ORIENTATION: Final = ExifTags.Base.Orientation
_SWAPS_SIDES: Final = {5, 6, 7, 8}
_SAMPLE_SCALES: Final = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}
"""Scales that Pillow applies to the samples of a PNG, but not to its transparent color."""
_HDR_TRANSFERS: Final = {16, 18}
"""PQ and HLG (ITU-T H.273, table 3)."""


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
    is_usable = image.mode != "LA"  # no transformation keeps its opacities
    if is_usable and isinstance(profile, bytes) and 0 < len(profile) <= MAX_PROFILE_SIZE:
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
    """Return the orientation of the EXIF metadata, or else of the XMP metadata."""
    if image.format == "HEIF" and (orientation := image.info["original_orientation"]):
        return int(orientation)  # pillow-heif has set it to 1 in EXIF or XMP
    with suppress(Exception):  # Pillow has no common exception for broken metadata
        return int(image.getexif().get(_ORIENTATION, 1))
    return 1


def _apply_profile(image: PIL.Image.Image, content: bytes) -> PIL.Image.Image:
    """Convert an image to sRGB. This may change the image.

    The name of a profile does not decide: profiles of other color spaces have been given that of
    sRGB. Editors save black and white photos with gray profiles, which look darker without them.
    """
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    target = ImageCms.createProfile("sRGB")
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    transform = ImageCms.buildTransform(profile, target, image.mode, mode)
    # Convert in place if possible: two copies of a large image need too much memory.
    result = ImageCms.applyTransform(image, transform, inPlace=image.mode == mode) or image
    return result.convert("L") if image.mode == "L" else result
