"""Animations: the frames of a GIF, encoded as GIF, or for variants also as WebP."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import PIL.Image
from PIL import GifImagePlugin

from adapters.media.pillow.gif import (
    CLEAR,
    DESCRIPTOR,
    FRAME,
    HEADER_SIZE,
    RESTORE,
    Gif,
    GifFrame,
    palette_size,
)
from adapters.media.pillow.stills import encode
from domain.features.media.image import ImageFormat

# Exact for images with few colors, but ten times as slow.
_MAX_MEDIAN_CUT_PIXELS: Final = 20_000_000
_TRANSPARENT: Final = 255
_MAX_PLAYS: Final = 65_535
Transform = Callable[[PIL.Image.Image], PIL.Image.Image]


class Animation:
    """The frames of a GIF as browsers show them.

    Pillow merges all frames into one image. A merged image with a palette has one transparent
    index, but each frame may have another one, or use it as a color. What a frame leaves free is
    transparent in browsers, and has the first color there. So where that matters, each frame is
    decoded alone.
    """

    def __init__(self, image: PIL.Image.Image, gif: Gif, content: bytes) -> None:
        """Show the frames of a file, which Pillow has opened as an image."""
        self._image = image
        self._gif = gif
        self._content = content
        self.size = gif.size
        self.pixels = gif.pixels

    @property
    def repetitions(self) -> int | None:
        """How often it is shown again, 0 for endless; None if it is shown once."""
        loops = self._image.info.get("loop")
        return loops if isinstance(loops, int) else None

    def frames(self) -> Iterator[PIL.Image.Image]:
        """Yield each frame, with its duration in milliseconds."""
        return self._merged_frames() if self._gif.can_be_merged else self._drawn_frames()

    def _merged_frames(self) -> Iterator[PIL.Image.Image]:
        """Yield frames that keep the palette that they share."""
        GifImagePlugin.LOADING_STRATEGY = (
            GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
        )
        for number in range(len(self._gif.frames)):
            try:
                self._image.seek(number)
            except EOFError:
                return
            self._image.load()
            frame = self._image.copy()
            kept = {"duration", "transparency"}
            frame.info = {name: value for name, value in self._image.info.items() if name in kept}
            yield frame

    def _drawn_frames(self) -> Iterator[PIL.Image.Image]:
        canvas = PIL.Image.new("RGBA", self.size)
        for frame in self._gif.frames:
            before = canvas.copy() if frame.disposal in RESTORE else None
            drawn = self._decode(frame)
            canvas.paste(drawn, frame.box, drawn)
            shown = canvas.copy()
            shown.info = {"duration": frame.duration}
            yield shown
            if before is not None:
                canvas = before
            elif frame.disposal == CLEAR:
                canvas.paste((0, 0, 0, 0), frame.box)

    def _decode(self, frame: GifFrame) -> PIL.Image.Image:
        file = io.BytesIO(self._gif.frame_file(self._content, frame))
        return GifImagePlugin.GifImageFile(file).convert("RGBA")


def encode_gif(animation: Animation, transform: Transform = lambda frame: frame) -> bytes:
    """Encode all frames as GIF."""
    is_exact = animation.pixels <= _MAX_MEDIAN_CUT_PIXELS
    frames = [_to_palette(transform(frame), is_exact=is_exact) for frame in animation.frames()]
    _drop_unused_colors(frames)
    loop = {} if animation.repetitions is None else {"loop": animation.repetitions}
    if not any("transparency" in frame.info for frame in frames):
        return _encode_frames(frames, ImageFormat.GIF, disposal=1, **loop)
    for frame in frames:
        if "transparency" not in frame.info and not frame.histogram()[_TRANSPARENT]:
            # Some viewers show the background color where a frame without this was.
            frame.info["transparency"] = _TRANSPARENT
    return _encode_cleared_frames(frames, loop)


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
    durations = [_duration_of(frame) for frame in frames]
    animated = {"save_all": True, "append_images": others, "duration": durations}
    return encode(first, image_format, **animated, **options)


def _duration_of(frame: PIL.Image.Image) -> int:
    return int(frame.info.get("duration", 0))


def _encode_cleared_frames(frames: Sequence[PIL.Image.Image], loop: Mapping[str, int]) -> bytes:
    """Encode frames of a GIF that clear the canvas: transparent pixels must not show the others.

    Each is cropped to what is visible. Pillow would crop it to what has another color than the
    transparent index, which may be that of visible pixels. So it encodes each frame alone.
    """
    content = bytearray()
    for frame in frames:
        # With this entry Pillow would make the palette one of RGBA, and write it as that.
        index = frame.info.pop("transparency", None)
        box = (0, 0, *frame.size)
        if content:  # the first frame is as large as the canvas
            mask = frame.point([255 * (color != index) for color in range(256)], "1")
            box = mask.getbbox() or (0, 0, 1, 1)
        visible = frame.crop(box)
        visible.info = {}
        options = {"disposal": CLEAR, "duration": _duration_of(frame), "interlace": 0, **loop}
        if index is not None:
            options["transparency"] = index
        encoded = encode(visible, ImageFormat.GIF, **options)
        if not content:
            content += encoded[:-1]
            loop = {}
            continue
        # Pillow writes the palette for all frames, the control of 8 bytes, and the descriptor.
        control = HEADER_SIZE + palette_size(encoded[10])
        pixels = control + 8 + DESCRIPTOR.size
        content += encoded[control : control + 8]
        content += DESCRIPTOR.pack(FRAME, *box[:2], *visible.size, encoded[10] & 0x87)
        content += encoded[HEADER_SIZE:control] + encoded[pixels:-1]
    return bytes(content + b";")


def _to_palette(frame: PIL.Image.Image, *, is_exact: bool) -> PIL.Image.Image:
    if frame.mode in {"P", "L"}:
        return frame
    method = PIL.Image.Quantize.MEDIANCUT if is_exact else PIL.Image.Quantize.FASTOCTREE
    try:
        result = frame.convert("RGB").quantize(_TRANSPARENT, method=method)
    except ValueError as error:  # how Pillow says here that it gets no memory
        raise MemoryError from error
    result.info = {"duration": _duration_of(frame)}
    if frame.has_transparency_data:
        alpha = frame.convert("RGBA").getchannel("A")
        mask = alpha.point([255 if level < 128 else 0 for level in range(256)])
        if mask.getbbox() is not None:
            result.paste(_TRANSPARENT, mask=mask)
            result.info["transparency"] = _TRANSPARENT
    return result


def _drop_unused_colors(frames: Sequence[PIL.Image.Image]) -> None:
    """Make colors black that no pixel uses: they can hide data. A palette may be shared."""
    used = defaultdict[bytes, set[int]](set)
    for frame in frames:
        used[bytes(frame.getpalette() or ())] |= {
            index for index, count in enumerate(frame.histogram()) if count
        }
    for frame in frames:
        palette = bytes(frame.getpalette() or ())
        if palette:
            kept = bytearray(len(palette))
            for index in used[palette]:
                kept[3 * index : 3 * index + 3] = palette[3 * index : 3 * index + 3]
            frame.putpalette(kept)
