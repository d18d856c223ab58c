"""Variants: smaller copies of an image."""

import PIL.Image

from adapters.media.pillow.animations import Animation, encode_animated_webp, encode_gif
from adapters.media.pillow.colors import has_alpha
from adapters.media.pillow.stills import encode, encode_jpeg, encode_png
from domain.features.media.image import ImageFormat, VariantSpec

_QUALITY = 85
_WEBP_QUALITY = 80
_REDUCING_GAP = 3.0
"""As fast as possible without a visible difference, according to Pillow's documentation."""
EncodedBytes = tuple[ImageFormat, bytes, tuple[int, int]]
"""The format, the bytes, and the width and height."""


def still_variant(image: PIL.Image.Image, spec: VariantSpec) -> EncodedBytes:
    """Encode a variant of a normalized image."""
    resized = image.resize(_fit(image.size, spec), reducing_gap=_REDUCING_GAP)
    if spec.is_webp:
        colored = resized.convert("RGBA" if has_alpha(resized) else "RGB")
        content = encode(colored, ImageFormat.WEBP, quality=_WEBP_QUALITY)
        return ImageFormat.WEBP, content, resized.size
    if has_alpha(resized):
        return ImageFormat.PNG, encode_png(resized), resized.size
    return ImageFormat.JPEG, encode_jpeg(resized, {"quality": _QUALITY}), resized.size


def animated_variant(animation: Animation, spec: VariantSpec) -> EncodedBytes:
    """Encode a variant with all frames of an animation."""
    size = _fit(animation.size, spec)

    def resize(frame: PIL.Image.Image) -> PIL.Image.Image:
        mode = "RGBA" if frame.has_transparency_data else "RGB"
        resized = frame.convert(mode).resize(size, reducing_gap=_REDUCING_GAP)
        resized.info = {"duration": frame.info["duration"]}
        return resized

    if spec.is_webp:
        return ImageFormat.WEBP, encode_animated_webp(animation, resize), size
    return ImageFormat.GIF, encode_gif(animation, resize), size


def _fit(size: tuple[int, int], spec: VariantSpec) -> tuple[int, int]:
    if spec.is_exact:
        return spec.width, spec.height
    width, height = size
    scale = min(spec.width / width, spec.height / height, 1)
    return max(round(width * scale), 1), max(round(height * scale), 1)
