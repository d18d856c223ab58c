"""Encoding of animations: as GIF, or for variants also as WebP."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import PIL.Image
from PIL import GifImagePlugin

from adapters.pillow.colors import normalize
from adapters.pillow.gif import CLEAR, DESCRIPTOR, FRAME, HEADER_SIZE, palette_size
from adapters.pillow.stills import encode
from domain.media.image import ImageFormat

# Exact for images with few colors, but ten times as slow.
_MAX_MEDIAN_CUT_PIXELS: Final = 20_000_000
_TRANSPARENT: Final = 255
_MAX_DELAY: Final = 655_350
_SHOWN_LONGER: Final = 10
_MAX_PLAYS: Final = 65_535
Transform = Callable[[PIL.Image.Image], PIL.Image.Image]


class Animation(Protocol):
    """Frames with their durations."""

    @property
    def size(self) -> tuple[int, int]:
        """The width and height of each frame."""

    @property
    def count(self) -> int:
        """The number of frames."""

    @property
    def repetitions(self) -> int | None:
        """How often it is shown again, 0 for endless; None if it is shown once."""

    def frames(self) -> Iterator[PIL.Image.Image]:
        """Yield each frame as a viewer shows it, with its duration in milliseconds."""


@dataclass(frozen=True, slots=True)
class PillowAnimation:
    """An image with one or more frames, which may be smaller than its size when it is upright."""

    image: PIL.Image.Image
    size: tuple[int, int]
    count: int

    @property
    def repetitions(self) -> int | None:
        # Pillow does not read that of AVIF, which is endless most of the time.
        loops = self.image.info.get("loop", None if self.image.format == "GIF" else 0)
        if not isinstance(loops, int):
            return None
        # A WebP says how often it is shown (RFC 9649), a GIF how often it is repeated.
        return loops - 1 or None if loops and self.image.format == "WEBP" else loops

    def frames(self) -> Iterator[PIL.Image.Image]:
        # A frame has only its duration and transparency. Those of a GIF keep the palette that they
        # share.
        GifImagePlugin.LOADING_STRATEGY = (
            GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
        )
        for number in range(self.count):
            try:
                self.image.seek(number)
            except EOFError:
                return
            self.image.load()
            frame = self.image.copy()
            if self.image.format != "GIF":  # it has neither an orientation nor a color profile
                frame = normalize(frame)
            kept = {"duration", "transparency"}
            frame.info = {name: value for name, value in self.image.info.items() if name in kept}
            yield frame


def encode_gif(animation: Animation, transform: Transform = lambda frame: frame) -> bytes:
    """Encode all frames as GIF."""
    width, height = animation.size
    is_exact = width * height * animation.count <= _MAX_MEDIAN_CUT_PIXELS
    frames = [_to_palette(transform(frame), is_exact=is_exact) for frame in animation.frames()]
    _drop_unused_colors(frames)
    loop = {} if animation.repetitions is None else {"loop": animation.repetitions}
    if not any("transparency" in frame.info for frame in frames):
        return _encode_frames(frames, ImageFormat.GIF, unit=10, disposal=1, **loop)
    for frame in frames:
        if "transparency" not in frame.info and not frame.histogram()[_TRANSPARENT]:
            # Some viewers show the background color where a frame without this was.
            frame.info["transparency"] = _TRANSPARENT
    return _encode_cleared_frames(frames, loop)


def encode_animated_webp(animation: Animation, transform: Transform) -> bytes:
    """Encode all frames as WebP."""
    frames = [transform(frame) for frame in animation.frames()]
    repetitions = animation.repetitions
    plays = 1 if repetitions is None else repetitions and min(repetitions + 1, _MAX_PLAYS)
    return _encode_frames(frames, ImageFormat.WEBP, unit=1, loop=plays, quality=80, method=2)


def _encode_frames(
    frames: Sequence[PIL.Image.Image], image_format: ImageFormat, *, unit: int, **options: Any
) -> bytes:
    first, *others = frames
    durations = _round([float(frame.info.get("duration", 0)) for frame in frames], unit)
    animated = {"save_all": True, "append_images": others, "duration": durations}
    return encode(first, image_format, **animated, **options)


def _encode_cleared_frames(frames: Sequence[PIL.Image.Image], loop: Mapping[str, int]) -> bytes:
    """Encode frames of a GIF that clear the canvas: transparent pixels must not show the others.

    Each is cropped to what is visible. Pillow would crop it to what has another color than the
    transparent index, which may be that of visible pixels. So it encodes each frame alone.
    """
    content = bytearray()
    durations = _round([float(frame.info.get("duration", 0)) for frame in frames], 10)
    for frame, duration in zip(frames, durations, strict=True):
        # With this entry Pillow would make the palette one of RGBA, and write it as that.
        index = frame.info.pop("transparency", None)
        box = (0, 0, *frame.size)
        if content:  # the first frame is as large as the canvas
            mask = frame.point([255 * (color != index) for color in range(256)], "1")
            box = mask.getbbox() or (0, 0, 1, 1)
        visible = frame.crop(box)
        visible.info = {}
        options = {"disposal": CLEAR, "duration": duration, "interlace": 0, **loop}
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


def _round(durations: Iterable[float], unit: int) -> list[int]:
    """Round durations in milliseconds to multiples of a unit, so that their sum is kept.

    What a frame is too long or too short is taken from the next one. Browsers show a frame of at
    most 10 ms for 100 ms: so one that is longer stays longer.
    """
    rounded, rest = list[int](), 0.0
    for duration in durations:
        exact = min(duration, _MAX_DELAY) + rest
        least = _SHOWN_LONGER + unit if duration > _SHOWN_LONGER else 0
        rounded.append(min(max(round(exact / unit) * unit, least), _MAX_DELAY))
        rest = exact - rounded[-1]
    return rounded


def _to_palette(frame: PIL.Image.Image, *, is_exact: bool) -> PIL.Image.Image:
    if frame.mode in {"P", "L"}:
        return frame
    method = PIL.Image.Quantize.MEDIANCUT if is_exact else PIL.Image.Quantize.FASTOCTREE
    try:
        result = frame.convert("RGB").quantize(_TRANSPARENT, method=method)
    except ValueError as error:  # how Pillow says here that it gets no memory
        raise MemoryError from error
    result.info = {"duration": frame.info.get("duration", 0)}
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
