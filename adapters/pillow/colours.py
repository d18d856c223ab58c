"""Colours as everybody shows them: in sRGB, without a profile."""

import io
from contextlib import suppress
from typing import Final

from PIL import Image, ImageCms

_SRGB: Final = "sRGB"


def in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert the picture out of its profile if that can be used, and printers' inks to RGB.

    The picture handed over may be changed.
    """
    if profile:
        # Browsers show a picture with a broken profile as if it had none.
        with suppress(ImageCms.PyCMSError, OSError):
            image = _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    return image.convert("RGB") if image.mode == "CMYK" else image


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    # Most phones name it so; converting would only round every colour once more.
    if ImageCms.getProfileDescription(source).startswith(_SRGB):
        return image
    if image.mode in {"L", "RGB"} and "transparency" in image.info:
        # The transparent colour would be another one afterwards.
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    match image.mode:
        case "RGB" | "RGBA" | "CMYK":
            return _transformed(image, source)
        case "L":
            return _transformed(image, source).convert("L")
        case "LA":
            grey, alpha = image.split()
            return Image.merge("LA", (_transformed(grey, source).convert("L"), alpha))
        case "P":
            return _with_palette_transformed(image, source)
        case _:
            return image


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    target = ImageCms.createProfile(_SRGB)
    transform = ImageCms.buildTransform(source, target, image.mode, mode)
    # In place where that is possible: a large picture has no room for two of itself.
    return ImageCms.applyTransform(image, transform, inPlace=image.mode == mode) or image


def _with_palette_transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    palette = bytes(image.getpalette("RGB") or ())
    colours = Image.frombytes("RGB", (len(palette) // 3, 1), palette)
    image.putpalette(_transformed(colours, source).tobytes())
    return image
