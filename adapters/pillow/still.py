"""JPEG and PNG, each published as what it is."""

from typing import Final, cast

from PIL import Image, JpegImagePlugin

from adapters.pillow.allowance import Allowance
from adapters.pillow.colours import in_srgb
from adapters.pillow.essence import Essence
from adapters.pillow.jpeg_segments import read_jpeg
from adapters.pillow.orientation import upright
from adapters.pillow.png_chunks import read_png
from adapters.pillow.streams import Sink, Source
from application.ports.images import PublishedImage
from domain.errors import PictureRefused
from domain.media.image import Image as ImageInfo
from domain.media.image import ImageFormat

_JPEG_QUALITY: Final = 90
# From 3 to 6, photos take three times as long to become a tenth smaller.
_PNG_EFFORT: Final = 3


def publish_jpeg(upload: bytes, allowance: Allowance) -> PublishedImage:
    """Publish a JPEG, its colours sampled as finely as they came."""
    essence = read_jpeg(upload, allowance)
    image = _decoded(essence, ImageFormat.JPEG, allowance)
    sampling = JpegImagePlugin.get_sampling(image)
    image = in_srgb(image, essence.profile)
    image = upright(image, essence.exif)
    sink = Sink(allowance)
    _without_notes(image).save(sink, "JPEG", quality=_JPEG_QUALITY, subsampling=sampling)
    return _published(ImageFormat.JPEG, image, sink)


def publish_png(upload: bytes, allowance: Allowance) -> PublishedImage:
    """Publish a PNG with its palette and transparency, in at most eight bits a sample."""
    essence = read_png(upload, allowance)
    image = _in_eight_bits(_decoded(essence, ImageFormat.PNG, allowance))
    image = in_srgb(image, essence.profile)
    image = upright(image, essence.exif)
    sink = Sink(allowance)
    _without_notes(image).save(sink, "PNG", compress_level=_PNG_EFFORT)
    return _published(ImageFormat.PNG, image, sink)


def _decoded(essence: Essence, picture_format: ImageFormat, allowance: Allowance) -> Image.Image:
    source = Source(essence.content, allowance)
    image = Image.open(source, formats=[picture_format.name])
    # Nothing that was not counted is decoded.
    if image.size != (essence.width, essence.height):
        raise PictureRefused
    image.load()
    if image.mode == "P" and not _has_all_colours(image):
        raise PictureRefused
    return image


def _has_all_colours(image: Image.Image) -> bool:
    _, highest = cast(tuple[int, int], image.getextrema())
    return 3 * highest < len(image.getpalette("RGB") or ())


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Give a grey of sixteen bits by its higher eight, as Pillow does with colours."""
    if image.mode != "I;16":
        return image
    transparent = image.info.pop("transparency", None)
    image = image.point(lambda sample: sample / 256).convert("L")
    if transparent is not None:
        image.info["transparency"] = transparent
    return image


def _without_notes(image: Image.Image) -> Image.Image:
    """Leave nothing beside the pixels that Pillow would write, such as the profile in use."""
    image.info = {key: note for key, note in image.info.items() if key == "transparency"}
    return image


def _published(picture_format: ImageFormat, image: Image.Image, sink: Sink) -> PublishedImage:
    content = sink.getvalue()
    return PublishedImage(ImageInfo(picture_format, *image.size, len(content)), content)
