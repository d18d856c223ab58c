"""Encoding of still images: PNG with transparency, otherwise JPEG if it is small enough."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import PIL.Image
from PIL import ImageFile, JpegImagePlugin

from adapters.media.pillow.colors import has_alpha, swaps_sides
from domain.features.media.image import ImageFormat, SourceFormat

_QUALITY: Final = 90
_LOWER_QUALITIES: Final = (75, 60, 45, 30)
_COARSER: Final = (1.15, 1.3, 1.5)
"""Factors for the tables of a JPEG. After a rotation its blocks begin elsewhere."""
_OPTIMIZED_PIXELS: Final = 24_000_000
"""Optimized and progressive JPEGs need twice the memory, so larger ones are neither."""
_MAX_BYTES_PER_PIXEL: Final = 6
_MAX_GROWTH: Final = {SourceFormat.JPEG: 1.05, SourceFormat.PNG: float("inf")}
_MAX_GROWTH_LARGE: Final = 1.15
_MAX_GROWTH_RECODED: Final = 2.0
_MAX_GRAPHIC_COLORS: Final = 16_384
_PIXELS_PER_COLOR: Final = 16
# Level 6 takes three times as long for photos and makes them a tenth smaller.
_PNG_COMPRESSION_LEVEL: Final = 3
Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Properties of the upload that the encoder needs.

    Attributes:
        is_lossless: Whether it has the exact pixels, of a drawing for example.
        options: The tables, subsampling and progressive mode of a JPEG; or empty.
    """

    format: SourceFormat
    size: int
    is_lossless: bool
    options: Options

    def max_size(self, pixels: int) -> float:
        """Return how many bytes the published JPEG should have at most."""
        if self.format is SourceFormat.JPEG and pixels > _OPTIMIZED_PIXELS:
            return self.size * _MAX_GROWTH_LARGE
        return self.size * _MAX_GROWTH.get(self.format, _MAX_GROWTH_RECODED)


def read_options(image: PIL.Image.Image) -> Options:
    """Read the options of a JPEG before it is decoded and turned upright."""
    options: Options = {}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        options["progressive"] = bool(image.info.get("progressive"))
        if image.mode != "CMYK":
            options["subsampling"] = JpegImagePlugin.get_sampling(image)
            if tables := _tables_of(image):
                options["qtables"] = tables
    return options


def encode_still(image: PIL.Image.Image, source: SourceFile) -> tuple[ImageFormat, bytes]:
    """Encode a normalized image for publication."""
    if has_alpha(image):
        return ImageFormat.PNG, encode_png(image)
    max_size = source.max_size(image.width * image.height)
    is_graphic = max_size < float("inf") and not source.options and _has_few_colors(image)
    smallest = b""
    for options in _attempts(source, is_sharp=is_graphic or source.is_lossless):
        content = encode_jpeg(image, options)
        if not smallest or len(content) < len(smallest):
            smallest = content
        if len(smallest) <= max_size:
            return ImageFormat.JPEG, smallest
    png = encode_png(image) if is_graphic else smallest
    if len(png) < len(smallest):
        return ImageFormat.PNG, png
    return ImageFormat.JPEG, smallest


def encode(image: PIL.Image.Image, image_format: ImageFormat, **options: Any) -> bytes:
    """Encode an image with these options of Pillow."""
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def encode_png(image: PIL.Image.Image) -> bytes:
    """Encode a normalized image as PNG."""
    return encode(image, ImageFormat.PNG, compress_level=_PNG_COMPRESSION_LEVEL)


def encode_jpeg(image: PIL.Image.Image, options: Options) -> bytes:
    """Encode a normalized image without alpha as JPEG."""
    pixels = image.width * image.height
    is_small = pixels <= _OPTIMIZED_PIXELS
    options = {**options, "optimize": is_small}
    options["progressive"] = is_small and options.get("progressive", False)
    # Pillow writes an optimized file as one block, and fails if it is larger. Noise needs several
    # bytes for each pixel. Decoders read blocks of this size too, so it must not be small.
    ImageFile.MAXBLOCK = max(_MAX_BYTES_PER_PIXEL * pixels * is_small, 65_536)
    return encode(image, ImageFormat.JPEG, **options)


def _attempts(source: SourceFile, *, is_sharp: bool) -> Iterator[Options]:
    """Yield options for smaller and smaller files."""
    options = dict(source.options)
    if is_sharp:  # colored edges stay sharp, and no quality is lost
        yield {"quality": _QUALITY, "subsampling": 0}
        return
    if tables := options.pop("qtables", None):
        yield {**options, "qtables": tables}
    yield {**options, "quality": _QUALITY}
    for factor in _COARSER if tables else ():
        coarser = [[min(round(factor * value), 255) for value in table] for table in tables]
        yield {**options, "qtables": coarser}
    for quality in () if options else _LOWER_QUALITIES:
        yield {"quality": quality}


def _has_few_colors(image: PIL.Image.Image) -> bool:
    """Return whether it has few colors, as a screenshot has and a photo has not."""
    max_colors = min(image.width * image.height // _PIXELS_PER_COLOR, _MAX_GRAPHIC_COLORS)
    return image.getcolors(max_colors) is not None


def _tables_of(image: JpegImagePlugin.JpegImageFile) -> Sequence[Sequence[int]] | None:
    """Return the table of each component, or None if Pillow cannot write them.

    That are tables with 16-bit values, and components that are red, green and blue.
    """
    components = [component for component, *_ in image.layer]
    is_rgb = image.info.get("adobe_transform") == 0 and len(components) == 3
    if is_rgb or components == [*b"RGB"]:
        return None
    tables = [image.quantization.get(selector) for *_, selector in image.layer]
    if any(
        table is None or len(table) != 64 or not 0 < min(table) <= max(table) <= 255
        for table in tables
    ):
        return None
    complete = [list(table) for table in tables if table]
    if swaps_sides(image):
        complete = [[table[8 * (i % 8) + i // 8] for i in range(64)] for table in complete]
    # The last table counts for the components after it.
    return complete[:2] if complete[1:2] == complete[2:3] else complete
