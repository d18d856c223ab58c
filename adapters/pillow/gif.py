"""GIF (GIF89a): parsing into frames, writing, and publishing frame by frame."""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import PIL.Image

from adapters.pillow.limits import LimitChecker, LimitedWriter
from adapters.pillow.palette import drop_unused_colors, used_indices
from adapters.pillow.scratch_file import open_scratch_file
from application.ports.images import EncodedImage
from domain.errors import InvalidImage
from domain.media.image import Image, ImageFormat

_IMAGE, _EXTENSION, _TRAILER = b",", b"!", b";"
_GRAPHIC_CONTROL, _APPLICATION, _PLAIN_TEXT = 0xF9, 0xFF, 0x01
_LOOP_APPLICATIONS: Final = {b"NETSCAPE2.0", b"ANIMEXTS1.0"}
_GRAY_PALETTE: Final = bytes(level for gray in range(256) for level in (gray, gray, gray))


@dataclass(frozen=True, slots=True)
class GraphicControl:
    """How a frame is shown.

    Attributes:
        disposal: What happens to the frame afterwards, as GIF89a encodes it.
        delay: Time until the next frame, in hundredths of a second.
        transparent_index: Index of the transparent color, or None.
    """

    disposal: int
    delay: int
    transparent_index: int | None


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame with its compressed pixels. An empty palette stands for the global one."""

    left: int
    top: int
    width: int
    height: int
    is_interlaced: bool
    palette: bytes
    control: GraphicControl | None
    compressed: bytes


@dataclass(frozen=True, slots=True)
class Gif:
    """A canvas and its frames.

    `loops` is the number of repetitions: 0 for endless, None if the file has no loop extension.
    """

    width: int
    height: int
    palette: bytes
    background: int
    loops: int | None
    frames: Sequence[Frame]

    @property
    def pixels(self) -> int:
        """The pixels of all frames. Each frame counts as the whole canvas."""
        return len(self.frames) * self.width * self.height


def publish_gif(upload: bytes, limits: LimitChecker) -> EncodedImage:
    """Publish a GIF with its own frames, palettes, delays and loops.

    Each frame is decoded and encoded alone, as color indices. Pillow alone encodes the composed
    frames: it merges those that are equal, and gives each a new palette of 256 colors at most.
    """
    gif = parse_gif(upload, limits)
    writer = LimitedWriter(limits)
    writer.write(_write_header(gif))
    global_indices = set[int]()
    for frame in gif.frames:
        published, indices = _reencode(frame, gif, limits)
        if not published.palette:
            global_indices |= indices
        for block in _write_frame(published):
            writer.write(block)
    writer.write(_TRAILER)
    # Which global colors are in use is known only now. The header keeps its size.
    writer.seek(0)
    writer.write(_write_header(_drop_unused_global_colors(gif, global_indices)))
    content = writer.getvalue()
    return EncodedImage(
        Image(ImageFormat.GIF, gif.width, gif.height, len(content)), io.BytesIO(content)
    )


def parse_gif(content: bytes, limits: LimitChecker) -> Gif:
    """Find the frames without decoding them. Comments, texts and application data are dropped.

    - The canvas grows to contain frames that exceed it, as in most viewers.
    - A block that is neither a frame nor an extension ends the file, as in browsers.
    - The end of the file may be missing, but no pixels: Pillow rejects a frame without all of them.

    Raises:
        InvalidImage
    """
    blocks = _BlockReader(content)
    blocks.read(6)
    width, height, flags, background, _ = struct.unpack("<HHBBB", blocks.read(7))
    palette = blocks.read_palette(flags)
    limits.check_size(max(width, 1), max(height, 1))
    control, loops, frames = None, None, list[Frame]()
    while block_type := blocks.read_block_type():
        limits.check_block()
        if block_type == _IMAGE:
            frame = blocks.read_frame(control)
            width = max(width, frame.left + frame.width)
            height = max(height, frame.top + frame.height)
            limits.check_size(frame.width, frame.height)
            limits.check_size(width, height)
            frames.append(frame)
            limits.check_frames(len(frames), width, height)
            control = None
        else:
            try:
                label, first, second = blocks.read_extension()
            except InvalidImage:  # the file ends
                break
            if label == _GRAPHIC_CONTROL:
                control = _parse_control(first)
            elif label == _PLAIN_TEXT:
                control = None
            elif label == _APPLICATION and first in _LOOP_APPLICATIONS and second[:1] == b"\x01":
                loops = int.from_bytes(second[1:3], "little")
    if not frames:
        raise InvalidImage
    background = background if 3 * background < len(palette) else 0
    return Gif(width, height, palette, background, loops, frames)


class _BlockReader:
    """Reads the blocks of a GIF in order. A block that exceeds the file is broken."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._offset = 0

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        read = self._content[self._offset : self._offset + count]
        if len(read) < count:
            raise InvalidImage
        self._offset += count
        return read

    def read_block_type(self) -> bytes:
        """Return the type of the next block, or nothing at the end of the file."""
        block_type = self._content[self._offset : self._offset + 1]
        self._offset += 1
        return block_type if block_type in {_IMAGE, _EXTENSION} else b""

    def read_palette(self, flags: int) -> bytes:
        """Return the palette, if the flags announce one."""
        return self.read(3 << (flags & 7) + 1) if flags & 0x80 else b""

    def read_extension(self) -> tuple[int, bytes, bytes]:
        """Return the label and the first two sub-blocks of an extension; skip the others."""
        label, blocks = self.read(1)[0], self._read_sub_blocks()
        if self._offset > len(self._content):
            raise InvalidImage
        first, blocks = _split_sub_block(blocks)
        second, _ = _split_sub_block(blocks)
        return label, first, second

    def read_frame(self, control: GraphicControl | None) -> Frame:
        """Return a frame with its palette and compressed pixels."""
        left, top, width, height, flags = struct.unpack("<HHHHB", self.read(9))
        palette = self.read_palette(flags)
        compressed = self.read(1) + self._read_sub_blocks()
        return Frame(left, top, width, height, bool(flags & 0x40), palette, control, compressed)

    def _read_sub_blocks(self) -> bytes:
        """Return sub-blocks with their end. If the file ends before, the last one is shorter."""
        content, start = self._content, self._offset
        last = end = start
        while end < len(content) and (size := content[end]):
            last, end = end, end + 1 + size
        self._offset = end + 1
        if end < len(content):
            return content[start : end + 1]
        rest = content[last + 1 :]
        return content[start:last] + (bytes([len(rest)]) + rest if rest else b"") + b"\0"


def _split_sub_block(blocks: bytes) -> tuple[bytes, bytes]:
    """Return the content of the first sub-block, and the others."""
    end = 1 + int.from_bytes(blocks[:1])
    return blocks[1:end], blocks[end:]


def _parse_control(block: bytes) -> GraphicControl:
    if len(block) < 4:
        raise InvalidImage
    flags, delay, transparent_index = struct.unpack_from("<BHB", block)
    return GraphicControl((flags >> 2) & 7, delay, transparent_index if flags & 1 else None)


def _reencode(frame: Frame, gif: Gif, limits: LimitChecker) -> tuple[Frame, set[int]]:
    """Decode a frame and encode it again; also return the color indices of its pixels."""
    code_size, lzw = frame.compressed[0], frame.compressed[1:]
    size = (frame.width, frame.height)
    image = PIL.Image.frombytes("L", size, lzw, "gif", code_size, frame.is_interlaced)
    with open_scratch_file() as scratch:
        image.save(scratch, "GIF", optimize=False, interlace=0)
        scratch.seek(0)
        compressed = parse_gif(scratch.read(), limits).frames[0].compressed
    indices = used_indices(image)
    palette = _complete_palette(max(indices), frame.palette, gif.palette)
    palette = drop_unused_colors(palette, indices)
    published = replace(frame, is_interlaced=False, palette=palette, compressed=compressed)
    return published, indices


def _complete_palette(max_index: int, frame_palette: bytes, global_palette: bytes) -> bytes:
    """Return the frame's own palette, or one that has a color for each index in use."""
    palette = frame_palette or global_palette or _GRAY_PALETTE
    if 3 * max_index < len(palette):
        return frame_palette if frame_palette or global_palette else _GRAY_PALETTE
    return palette.ljust(3 * 256, b"\0")


def _drop_unused_global_colors(gif: Gif, indices: set[int]) -> Gif:
    background = gif.background if gif.background in indices else 0
    return replace(gif, palette=drop_unused_colors(gif.palette, indices), background=background)


def _write_header(gif: Gif) -> bytes:
    """Write everything before the frames."""
    flags = _palette_flags(gif.palette)
    screen = struct.pack("<HHBBB", gif.width, gif.height, flags, gif.background, 0)
    return b"".join([b"GIF89a", screen, gif.palette, _write_loops(gif.loops)])


def _write_frame(frame: Frame) -> Iterator[bytes]:
    """Write a frame with its graphic control."""
    if frame.control:
        yield _write_control(frame.control)
    position = (frame.left, frame.top, frame.width, frame.height)
    yield _IMAGE + struct.pack("<HHHHB", *position, _palette_flags(frame.palette))
    yield frame.palette
    yield frame.compressed


def _write_loops(loops: int | None) -> bytes:
    if loops is None:
        return b""
    return b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", loops, 0)


def _write_control(control: GraphicControl) -> bytes:
    flags = control.disposal << 2 | (control.transparent_index is not None)
    return b"!\xf9\x04" + struct.pack(
        "<BHBB", flags, control.delay, control.transparent_index or 0, 0
    )


def _palette_flags(palette: bytes) -> int:
    """Return the flags of a palette: it has 2 to the power of (size + 1) colors."""
    return 0x80 | (len(palette) // 3).bit_length() - 2 if palette else 0
