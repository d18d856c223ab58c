"""Encoding of still images: PNG with transparency, otherwise JPEG."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import PIL.Image
from PIL import ImageFile, JpegImagePlugin

from adapters.pillow.colors import has_alpha, swaps_sides
from domain.media.image import ImageFormat, SourceFormat

_QUALITIES: Final = (90, 75, 60, 45, 30)
_OPTIMIZED_PIXELS: Final = 24_000_000
"""Optimized and progressive JPEGs need twice the memory, so larger ones are neither."""
_MAX_BYTES_PER_PIXEL: Final = 6
_MAX_GROWTH: Final = 1.05
_MAX_GROWTH_LARGE: Final = 1.15
_MAX_GROWTH_RECODED: Final = 2.0
# Level 6 takes three times as long for photos and makes them a tenth smaller.
_PNG_COMPRESSION_LEVEL: Final = 3
_RGB_COMPONENTS: Final = tuple(b"RGB")
Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What the encoder needs to know of the upload.

    Attributes:
        format: Its format.
        size: Its size in bytes.
        options: The tables, subsampling and progressive mode of a JPEG; or empty.
    """

    format: SourceFormat
    size: int
    options: Options

    def max_size(self, pixels: int) -> float:
        """Return how many bytes the published JPEG should have at most."""
        match self.format:
            case SourceFormat.JPEG:
                is_large = pixels > _OPTIMIZED_PIXELS
                return self.size * (_MAX_GROWTH_LARGE if is_large else _MAX_GROWTH)
            case SourceFormat.HEIC | SourceFormat.AVIF | SourceFormat.WEBP:
                return self.size * _MAX_GROWTH_RECODED
            case _:
                return float("inf")


def describe_source(image: PIL.Image.Image, image_format: SourceFormat, size: int) -> SourceFile:
    """Read the options of a JPEG before it is decoded and turned upright."""
    options: Options = {}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        options["progressive"] = bool(image.info.get("progressive"))
        if image.mode != "CMYK":
            options["subsampling"] = JpegImagePlugin.get_sampling(image)
            if tables := _tables_of(image):
                options["qtables"] = tables
    return SourceFile(image_format, size, options)


def encode_still(image: PIL.Image.Image, source: SourceFile) -> tuple[ImageFormat, bytes]:
    """Encode a normalized image for publication."""
    if has_alpha(image):
        return ImageFormat.PNG, encode_png(image)
    max_size = source.max_size(image.width * image.height)
    smallest = b""
    for options in _attempts(image, source):
        content = encode_jpeg(image, options)
        if not smallest or len(content) < len(smallest):
            smallest = content
        if len(smallest) <= max_size:
            break
    return ImageFormat.JPEG, smallest


def encode_png(image: PIL.Image.Image) -> bytes:
    """Encode a normalized image as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=_PNG_COMPRESSION_LEVEL)
    return file.getvalue()


def encode_jpeg(image: PIL.Image.Image, options: Options) -> bytes:
    """Encode a normalized image without alpha as JPEG."""
    pixels = image.width * image.height
    is_small = pixels <= _OPTIMIZED_PIXELS
    options = {**options, "optimize": is_small}
    options["progressive"] = is_small and options.get("progressive", False)
    # Pillow writes an optimized file as one block, and fails if it is larger. Noise needs several
    # bytes for each pixel. Decoders read blocks of this size too, so it must not be small.
    ImageFile.MAXBLOCK = max(_MAX_BYTES_PER_PIXEL * pixels * is_small, 65_536)
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def _attempts(image: PIL.Image.Image, source: SourceFile) -> Iterator[Options]:
    """Yield options for smaller and smaller files."""
    options = dict(source.options)
    if source.format in {SourceFormat.PNG, SourceFormat.GIF}:
        options["subsampling"] = 0  # screenshots and drawings have sharp colored edges
    if tables := options.pop("qtables", None):
        yield {**options, "qtables": tables[:1] if image.mode == "L" else tables}
    is_recoded = source.format is not SourceFormat.JPEG
    for quality in _QUALITIES if is_recoded else _QUALITIES[:1]:
        yield {**options, "quality": quality}


def _tables_of(image: JpegImagePlugin.JpegImageFile) -> Sequence[Sequence[int]] | None:
    """Return the table of each component, or None if Pillow cannot write them.

    That are tables with 16-bit values, and components that are red, green and blue.
    """
    components = [component for component, *_ in image.layer]
    is_rgb = image.info.get("adobe_transform") == 0 and len(components) == 3
    if is_rgb or tuple(components) == _RGB_COMPONENTS:
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
