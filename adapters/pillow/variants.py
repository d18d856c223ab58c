"""Variants: smaller copies of an image."""

import io
from collections.abc import Iterator
from typing import Any

import PIL.Image
from PIL import ImageSequence

from application.ports.images import EncodedImage
from domain.media.image import Image, ImageFormat, VariantSpec


def encode_variant(content: bytes, spec: VariantSpec) -> EncodedImage:
    """Encode a variant of a published image."""
    image = PIL.Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "GIF"])
    size = _fit(image.size, spec)
    options: dict[str, Any] = {"quality": 85}
    if image.format == "GIF":
        image_format = ImageFormat.GIF
        options |= {"save_all": True, "disposal": 2, "loop": image.info.get("loop", 0)}
    elif image.has_transparency_data:
        image_format = ImageFormat.PNG
    else:
        image_format = ImageFormat.JPEG
    if spec.is_webp:
        image_format = ImageFormat.WEBP
    frames = _resize(image, size)
    first, file = next(frames), io.BytesIO()
    if "save_all" in options:
        options["append_images"] = frames
    first.save(file, image_format.name, **options)
    size_in_bytes = file.tell()
    file.seek(0)
    return EncodedImage(Image(image_format, *size, size_in_bytes), file)


def _fit(size: tuple[int, int], spec: VariantSpec) -> tuple[int, int]:
    if spec.is_exact:
        return spec.width, spec.height
    width, height = size
    scale = min(spec.width / width, spec.height / height, 1)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _resize(image: PIL.Image.Image, size: tuple[int, int]) -> Iterator[PIL.Image.Image]:
    mode = "RGBA" if image.has_transparency_data else "RGB"
    for frame in ImageSequence.Iterator(image):
        resized = frame.convert(mode).resize(size, reducing_gap=3.0)
        resized.info = {"duration": frame.info.get("duration", 0)}
        yield resized
