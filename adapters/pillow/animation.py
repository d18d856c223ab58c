"""GIF, moving or not, published frame by frame."""

from dataclasses import replace
from typing import Final, cast

from PIL import Image

from adapters.pillow.allowance import Allowance
from adapters.pillow.gif_blocks import read_gif
from adapters.pillow.gif_parts import Frame, Gif
from adapters.pillow.gif_writer import ENDING, framed, opening
from adapters.pillow.streams import Sink, Source, scratch_file
from application.ports.images import PublishedImage
from domain.errors import PictureRefused
from domain.media.image import Image as ImageInfo
from domain.media.image import ImageFormat

_GREYS: Final = bytes(level for grey in range(256) for level in (grey, grey, grey))


def publish_gif(upload: bytes, allowance: Allowance) -> PublishedImage:
    """Publish a GIF with the very frames, palettes, times and loops that it came with.

    Each frame is unpacked and packed anew by itself, as the indices that it is made of. Whole
    pictures would have to be reduced to 256 colours again, each to others.
    """
    gif = read_gif(upload, allowance)
    sink = Sink(allowance)
    sink.write(opening(gif))
    for frame in gif.frames:
        for piece in framed(_repacked(frame, gif, allowance)):
            sink.write(piece)
    sink.write(ENDING)
    content = sink.getvalue()
    picture = ImageInfo(ImageFormat.GIF, gif.width, gif.height, len(content))
    return PublishedImage(picture, content)


def _repacked(frame: Frame, gif: Gif, allowance: Allowance) -> Frame:
    source = Source(_alone(frame), allowance)
    image = Image.open(source, formats=["GIF"])
    # Nothing that was not counted is decoded; without a palette the indices are greys.
    if image.size != (frame.width, frame.height) or image.mode != "L":
        raise PictureRefused
    image.load()
    with scratch_file() as scratch:
        image.save(scratch, "GIF", optimize=False, interlace=0)
        scratch.seek(0)
        packed = read_gif(scratch.read(), allowance).frames[0].packed
    _, highest = cast(tuple[int, int], image.getextrema())
    palette = _holding(highest, frame.palette, gif.palette)
    return replace(frame, interlaced=False, palette=palette, packed=packed)


def _alone(frame: Frame) -> bytes:
    """Make a file of this frame's indices."""
    unplaced = replace(frame, left=0, top=0, palette=b"", control=None)
    canvas = Gif(frame.width, frame.height, b"", 0, None, ())
    return b"".join([opening(canvas), *framed(unplaced), ENDING])


def _holding(highest: int, own: bytes, shared: bytes) -> bytes:
    """Give the frame's own palette, or one that names every index that the frame uses."""
    palette = own or shared or _GREYS
    if 3 * highest < len(palette):
        return own if own or shared else _GREYS
    return palette.ljust(3 * 256, b"\0")
