"""The decoder process: it decodes and encodes one image at a time.

It runs apart from the service, without its secrets, so that it can be stopped at any time and its
memory is limited. Start it as `python -m adapters.pillow.decoder DESCRIPTOR BYTES`, with a socket
for tasks and the limit of its memory.
"""

import errno
import hashlib
import io
import mmap
import os
import resource
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import PIL.Image
from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import HeifImageFile
from pillow_heif import options as heif_options

from adapters.pillow.animations import Animation, PillowAnimation, encode_gif
from adapters.pillow.avif_properties import check_declared_size
from adapters.pillow.colors import MAX_PROFILE_SIZE, add_properties, normalize, upright_size
from adapters.pillow.detection import SNIFFED_BYTES, detect_type, source_format
from adapters.pillow.gif import read_gif
from adapters.pillow.gif_animation import GifAnimation
from adapters.pillow.header import Header, read_header
from adapters.pillow.jpeg import clean_jpeg
from adapters.pillow.limits import EMPTY, TOO_COMPLEX, LimitChecker
from adapters.pillow.png_animation import PngAnimation
from adapters.pillow.stills import SourceFile, encode_still, read_options
from adapters.pillow.tasks import MAX_MESSAGE, Answer, Failure, Task, invalid_answer
from adapters.pillow.variants import EncodedBytes, animated_variant, still_variant
from domain.media.errors import InvalidImage, UnsupportedImageType
from domain.media.image import Image, ImageFormat, SourceFormat

MAX_FILES: Final = 100
_DIGEST_ROWS: Final = 64


class _FreesDecoder(ImageFile.ImageFile):
    """Frees the decoder of a still image, with its canvases, before it copies the frame."""

    def load_prepare(self) -> None:
        if not getattr(self, "is_animated", False):
            vars(self).pop("_decoder", None)
        super().load_prepare()


class _Webp(_FreesDecoder, WebPImagePlugin.WebPImageFile):
    """A WebP file."""


class _Avif(_FreesDecoder, AvifImagePlugin.AvifImageFile):
    """An AVIF file."""


_OPENERS: Final[dict[SourceFormat, Callable[[BinaryIO], PIL.Image.Image]]] = {
    SourceFormat.PNG: PngImagePlugin.PngImageFile,
    SourceFormat.GIF: GifImagePlugin.GifImageFile,
    SourceFormat.WEBP: _Webp,
    SourceFormat.AVIF: _Avif,
    SourceFormat.HEIC: HeifImageFile,
}


class _Source:
    """An upload: its format, its header and its image, not yet decoded."""

    def __init__(self, file: BinaryIO, task: Task) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        if not self.size:
            raise EMPTY
        media_type = detect_type(file.read(SNIFFED_BYTES))
        detected = source_format(media_type)
        if detected is None or detected not in task.formats:
            raise UnsupportedImageType(media_type)
        self.limits = LimitChecker(task.limits, detected)
        self.format, header = detected, None
        self._other_ending: PIL.Image.Image | None = None
        # Broken metadata is ignored, but `load` still rejects incomplete pixels. Set for each
        # image, because one that cannot be opened leaves it as it is.
        ImageFile.LOAD_TRUNCATED_IMAGES = detected is not SourceFormat.JPEG
        if detected not in {SourceFormat.AVIF, SourceFormat.HEIC}:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                header = read_header(content, detected, self.limits)
                if detected is SourceFormat.JPEG:
                    self.image = _open_jpeg(content)
                if not header.has_end:
                    self._other_ending = _open_jpeg(content, ending=1)
        if detected is not SourceFormat.JPEG:
            file.seek(0)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                with self._declared_size_checked():
                    self.image = _OPENERS[detected](file)
                add_properties(self.image, content, self.limits)
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        if header is None:
            frames = getattr(self.image, "n_frames", 1) if detected is SourceFormat.AVIF else 1
            header = Header(*self.image.size, frames)
            self.limits.check_frames(frames, *self.image.size)
        self.header = header
        if detected is not SourceFormat.GIF and self.image.size != (header.width, header.height):
            raise InvalidImage  # only pixels that were counted are decoded

    def open_animation(self, size: tuple[int, int]) -> Animation:
        """Return the animation, with this size when it is upright."""
        if self.format not in {SourceFormat.GIF, SourceFormat.PNG}:
            return PillowAnimation(self.image, size, self.header.frames)
        self._file.seek(0)
        content = self._file.read()
        limits = LimitChecker(self.limits.limits, self.format)
        if self.format is SourceFormat.PNG:
            return PngAnimation(content, self.image, size, limits)
        gif = read_gif(content, limits)
        if gif.can_be_merged:
            return PillowAnimation(self.image, size, len(gif.frames))
        return GifAnimation(self.image, size, len(gif.frames), content, gif)

    def decode_still(self) -> PIL.Image.Image:
        """Decode the image, scaled down if it is a JPEG over the limit of pixels."""
        width, height = self.image.size
        max_pixels = self.limits.limits.max_pixels
        for scale in (1, 2, 4, 8):
            if -(-width // scale) * -(-height // scale) <= max_pixels:
                self.image.draft("", (width // scale, height // scale))
                break
        if self._other_ending is not None:
            self._other_ending.draft("", self.image.size)
            other = _digest(self._other_ending)
            self._other_ending = None  # its pixels are not needed anymore
            if _digest(self.image) != other:
                raise InvalidImage
        with self._declared_size_checked():
            return normalize(self.image)

    @contextmanager
    def _declared_size_checked(self) -> Iterator[None]:
        """Check the declared size if the block fails: libavif and libheif say no reason."""
        try:
            yield
        except Exception:
            if self.format in {SourceFormat.AVIF, SourceFormat.HEIC}:
                with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    check_declared_size(content, self.limits)
            raise


def _digest(image: PIL.Image.Image) -> bytes:
    """Return a digest of the pixels, without a copy of all."""
    digest = hashlib.sha256()
    width, height = image.size
    for top in range(0, height, _DIGEST_ROWS):
        rows = image.crop((0, top, width, min(height, top + _DIGEST_ROWS)))
        digest.update(rows.tobytes())
    return digest.digest()


def _open_jpeg(content: mmap.mmap, ending: int = 0) -> PIL.Image.Image:
    for with_metadata in (True, False):
        # Pillow has no common exception for broken metadata.
        with suppress(Exception):
            cleaned = io.BytesIO(clean_jpeg(content, with_metadata=with_metadata, ending=ending))
            return JpegImagePlugin.JpegImageFile(cleaned)
    raise InvalidImage


def answer(task: Task, descriptors: list[int]) -> Answer:
    """Do a task and return its answer."""
    try:
        with Path(f"/proc/self/fd/{descriptors[0]}").open("rb") as file:
            source = _Source(file, task)
            if not task.image_count:
                return Answer(pixels=source.header.pixels)
            images = list[Image]()
            for output, encoded in zip(descriptors[1:], _encode(source, task), strict=True):
                image_format, content, (width, height) = encoded
                source.limits.check_bytes(len(content))
                with os.fdopen(os.dup(output), "wb") as written:
                    written.write(content)
                os.lseek(output, 0, os.SEEK_SET)  # the service shares this position
                images.append(Image(image_format, width, height, len(content)))
            return Answer(images=images)
    except UnsupportedImageType as error:
        return Answer(failure=Failure(detected=error.detected))
    except InvalidImage as error:
        return invalid_answer(error)
    except MemoryError:
        return invalid_answer(TOO_COMPLEX)
    except Exception as error:  # noqa: BLE001 - decoders raise many types for broken files
        is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        return Answer(failure=Failure()) if is_full else invalid_answer(InvalidImage())


def _encode(source: _Source, task: Task) -> Iterator[EncodedBytes]:
    if source.format is SourceFormat.GIF or source.header.frames > 1:
        size = upright_size(source.image, (source.header.width, source.header.height))
        animation = source.open_animation(size)
        if task.is_published:
            yield ImageFormat.GIF, encode_gif(animation), size
        for spec in task.variants:
            yield animated_variant(animation, spec)
        return
    options = read_options(source.image)
    details = SourceFile(source.format, source.size, source.header.is_lossless, options)
    image = source.decode_still()
    if task.is_published:
        yield (*encode_still(image, details), image.size)
    for spec in task.variants:
        yield still_variant(image, spec)


def configure_decoders() -> None:
    """Set the limits and options of Pillow and its plug-in in this process."""
    PIL.Image.MAX_IMAGE_PIXELS = None  # the limits are checked here
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_SIZE  # it also limits profiles
    AvifImagePlugin.DEFAULT_MAX_THREADS = heif_options.DECODE_THREADS = 1
    heif_options.THUMBNAILS = heif_options.DEPTH_IMAGES = heif_options.AUX_IMAGES = False


def main() -> None:
    """Answer tasks until the service closes the socket."""
    tasks = socket.socket(fileno=int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)  # requests come first
    warnings.simplefilter("ignore")  # Pillow warns about broken metadata, which is ignored
    configure_decoders()
    while True:
        message, descriptors, _, _ = socket.recv_fds(tasks, MAX_MESSAGE, MAX_FILES)
        if not message:
            return
        task = msgspec.json.decode(message, type=Task)
        signal.setitimer(signal.ITIMER_PROF, task.limits.max_seconds)  # its signal ends the process
        result = answer(task, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        signal.setitimer(signal.ITIMER_PROF, 0)
        tasks.send(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
