"""Animations: the frames of a GIF, encoded as GIF, or for variants also as WebP."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import PIL.Image
from PIL import GifImagePlugin

from adapters.media.pillow.gif import CLEAR, RESTORE, Gif, GifFrame
from adapters.media.pillow.stills import encode
from domain.features.media.image import ImageFormat

# Exact for images with few colors, but ten times as slow.
_MAX_MEDIAN_CUT_PIXELS: Final = 20_000_000
_TRANSPARENT: Final = 255
_MAX_PLAYS: Final = 65_535
_GRAYS: Final = bytes(level for level in range(256) for _ in "RGB")
Transform = Callable[[PIL.Image.Image], PIL.Image.Image]


class Animation:
    """The frames of a GIF as browsers show them.

    Pillow decodes each frame, but does not draw them: it gives what they leave free a color, and an
    image with a palette one transparent index, which may be a color in another frame.
    """

    def __init__(self, gif: Gif, content: bytes, repetitions: int | None) -> None:
        """Show the frames of a file.

        `repetitions` is how often it is shown again, 0 for endless; None if it is shown once.
        """
        self._gif = gif
        self._content = content
        self.repetitions = repetitions
        self.size = gif.size
        self.pixels = gif.pixels

    def frames(self) -> Iterator[PIL.Image.Image]:
        """Yield each frame, with its duration in milliseconds.

        If they share a palette they keep it, with its transparent index: the colors stay exact.
        """
        canvas, shared = PIL.Image.new("RGBA", self.size), dict[str, int]()
        empty: int | tuple[int, ...] = (0, 0, 0, 0)
        if self._gif.has_one_palette:
            first = self._gif.frames[0]
            if first.transparent is not None:
                shared["transparency"] = empty = first.transparent
            canvas = PIL.Image.new("P", self.size, first.transparent or 0)
            canvas.putpalette(self._palette_of(first))
        for frame in self._gif.frames:
            before = canvas.copy() if frame.disposal in RESTORE else None
            drawn, mask = self._decode(frame), None
            if frame.transparent is not None:
                mask = drawn.point([255 * (i != frame.transparent) for i in range(256)], "1")
            canvas.paste(drawn, frame.box, mask)
            shown = canvas.copy()
            shown.info.update(duration=frame.duration, **shared)
            yield shown
            if before is not None:
                canvas = before
            elif frame.disposal == CLEAR:
                canvas.paste(empty, frame.box)

    def _decode(self, frame: GifFrame) -> PIL.Image.Image:
        left, top, right, bottom = frame.box
        bits, codes = self._content[frame.pixels.start], self._content[frame.pixels][1:]
        image = PIL.Image.frombytes(
            "P", (right - left, bottom - top), codes, "gif", bits, frame.is_interlaced, -1
        )
        image.putpalette(self._palette_of(frame))
        return image

    def _palette_of(self, frame: GifFrame) -> bytes:
        return self._content[frame.palette] or _GRAYS


def encode_gif(animation: Animation, transform: Transform = lambda frame: frame) -> bytes:
    """Encode all frames as GIF."""
    is_exact = animation.pixels <= _MAX_MEDIAN_CUT_PIXELS
    frames = [_to_palette(transform(frame), is_exact=is_exact) for frame in animation.frames()]
    loop = {} if animation.repetitions is None else {"loop": animation.repetitions}
    if any("transparency" in frame.info for frame in frames):
        return _encode_cleared_frames(frames, loop)
    return _encode_frames(frames, ImageFormat.GIF, disposal=1, **loop)


def encode_animated_webp(animation: Animation, transform: Transform) -> bytes:
    """Encode all frames as WebP."""
    frames = [transform(frame) for frame in animation.frames()]
    repetitions = animation.repetitions
    # A WebP says how often it is shown (RFC 9649), a GIF how often it is repeated.
    plays = 1 if repetitions is None else repetitions and min(repetitions + 1, _MAX_PLAYS)
    return _encode_frames(frames, ImageFormat.WEBP, loop=plays, quality=80, method=2)


def _encode_frames(
    frames: Sequence[PIL.Image.Image], image_format: ImageFormat, **options: Any
) -> bytes:
    first, *others = frames
    durations = [frame.info["duration"] for frame in frames]
    animated = {"save_all": True, "append_images": others, "duration": durations}
    return encode(first, image_format, **animated, **options)


def _encode_cleared_frames(frames: Sequence[PIL.Image.Image], loop: Mapping[str, int]) -> bytes:
    """Encode frames of a GIF that clear the canvas: transparent pixels must not show the others.

    Each is cropped to what is visible. Pillow would crop it to what has another color than the
    transparent index, which may be that of visible pixels.
    """
    parts = list[bytes]()
    for frame in frames:
        index = frame.info.pop("transparency", _TRANSPARENT)
        mask = frame.point([255 * (color != index) for color in range(256)], "1")
        box = mask.getbbox() or (0, 0, 1, 1)
        colors = sorted({*_used_colors(frame), index})
        small = frame.remap_palette(colors)
        has_header = bool(parts)
        if not has_header:
            parts, _ = GifImagePlugin.getheader(small, info={"transparency": 0, **loop})
        parts += GifImagePlugin.getdata(
            small.crop(box),
            box[:2],
            transparency=colors.index(index),
            disposal=CLEAR,
            duration=frame.info["duration"],
            include_color_table=has_header,
        )
    return b"".join([*parts, b";"])


def _to_palette(frame: PIL.Image.Image, *, is_exact: bool) -> PIL.Image.Image:
    """Return a frame with a palette. It has a transparent index only if pixels have it.

    Otherwise the last index is free.
    """
    if frame.mode == "P":  # colors that no pixel uses can hide data
        return frame.remap_palette(_used_colors(frame))
    method = PIL.Image.Quantize.MEDIANCUT if is_exact else PIL.Image.Quantize.FASTOCTREE
    try:
        result = frame.convert("RGB").quantize(_TRANSPARENT, method=method)
    except ValueError as error:  # how Pillow says here that it gets no memory
        raise MemoryError from error
    result.info = {"duration": frame.info["duration"]}
    if frame.mode == "RGBA":
        mask = frame.getchannel("A").point([255 * (level < 128) for level in range(256)])
        if mask.getbbox() is not None:
            result.paste(_TRANSPARENT, mask=mask)
            result.info["transparency"] = _TRANSPARENT
    return result


def _used_colors(frame: PIL.Image.Image) -> list[int]:
    return [index for index, count in enumerate(frame.histogram()) if count]
