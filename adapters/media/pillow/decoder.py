"""The decoder process: it decodes and encodes one image at a time.

It runs apart from the service, without its secrets, so that it can be stopped at any time and its
memory is limited. Start it as `python -m adapters.media.pillow.decoder DESCRIPTOR BYTES`, with a
socket for tasks and the limit of its memory.
"""

import errno
import io
import mmap
import os
import re
import resource
import signal
import socket
import struct
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import PIL.Image
from PIL import GifImagePlugin, ImageFile, JpegImagePlugin, PngImagePlugin
from pillow_heif import HeifImageFile
from pillow_heif import options as heif_options

from adapters.media.pillow.animations import Animation, encode_animated_webp, encode_gif
from adapters.media.pillow.colors import MAX_PROFILE_SIZE, has_alpha, is_hdr, normalize
from adapters.media.pillow.gif import Gif, read_gif
from adapters.media.pillow.header import Header
from adapters.media.pillow.heic import read_heic
from adapters.media.pillow.jpeg import Jpeg, read_jpeg
from adapters.media.pillow.limits import LimitChecker, too_complex
from adapters.media.pillow.png import read_png
from adapters.media.pillow.stills import (
    SourceFile,
    encode,
    encode_jpeg,
    encode_png,
    encode_still,
    read_options,
)
from adapters.media.pillow.tasks import MAX_MESSAGE, Answer, Failure, Task, invalid_answer
from adapters.media.pillow.webp import Webp, read_webp
from domain.features.media.errors import (
    HdrNotSupported,
    InvalidImage,
    InvalidImageReason,
    UnsupportedImageType,
)
from domain.features.media.image import Image, ImageFormat, SourceFormat, VariantSpec

SNIFFED_BYTES: Final = 4096
_UNKNOWN: Final = "application/octet-stream"
# Magic numbers as in the "MIME Sniffing" standard of WHATWG, and in the registrations of IANA.
_SIGNATURES: Final = (
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF.{4}WEBP", "image/webp"),
    (rb"%PDF-", "application/pdf"),
    (rb"BM.{4}\0\0\0\0", "image/bmp"),
    (rb"II\*\0|MM\0\*", "image/tiff"),
    (rb"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (rb"PK\x03\x04", "application/zip"),
    (rb"\x1a\x45\xdf\xa3", "video/webm"),
    (rb"ID3|\xff[\xfb\xf3\xf2]", "audio/mpeg"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*(?:<(?:\?xml|!--|!doctype svg).*?)?<svg[\s/>]", "image/svg+xml"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|script)", "text/html"),
)
_TYPES: Final = [(re.compile(signature, re.DOTALL), name) for signature, name in _SIGNATURES]
# ISO/IEC 14496-12, 4.3: the brands of the `ftyp` box.
_AVIF_BRANDS: Final = {b"avif", b"avis"}
_HEIF_BRANDS: Final = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_SOURCES: Final = {f"image/{name}": name for name in SourceFormat}


def detect_type(start: bytes) -> str:
    """Return the media type of a file by its first bytes, at most `SNIFFED_BYTES`."""
    for signature, name in _TYPES:
        if signature.match(start):
            return name
    if start[4:8] == b"ftyp":
        return _detect_by_brands(start)
    is_text = start and b"\0" not in start and start.decode("utf-8", "ignore").encode() == start
    return "text/plain" if is_text else _UNKNOWN


def source_format(media_type: str) -> SourceFormat | None:
    """Return the format that decodes this type, or None."""
    return SourceFormat.HEIC if media_type == "image/heif" else _SOURCES.get(media_type)


def _detect_by_brands(start: bytes) -> str:
    box = start[: int.from_bytes(start[:4])]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    if brands[0] == b"qt  ":
        return "video/quicktime"
    if not _AVIF_BRANDS.isdisjoint(brands):
        return "image/avif"
    if _HEIF_BRANDS.isdisjoint(brands):
        return "video/mp4"
    return "image/heic" if brands[0].startswith(b"he") else "image/heif"


_QUALITY = 85
_WEBP_QUALITY = 80
_REDUCING_GAP = 3.0
"""The fastest value without a visible difference, according to Pillow's documentation."""
EncodedBytes = tuple[ImageFormat, bytes, tuple[int, int]]
"""The format, the bytes, and the width and height."""


def still_variant(image: PIL.Image.Image, spec: VariantSpec) -> EncodedBytes:
    """Encode a variant of a normalized image."""
    resized = image.resize(_fit(image.size, spec), reducing_gap=_REDUCING_GAP)
    if spec.is_webp:
        colored = resized.convert("RGBA" if has_alpha(resized) else "RGB")
        content = encode(colored, ImageFormat.WEBP, quality=_WEBP_QUALITY)
        return ImageFormat.WEBP, content, resized.size
    if has_alpha(resized):
        return ImageFormat.PNG, encode_png(resized), resized.size
    return ImageFormat.JPEG, encode_jpeg(resized, {"quality": _QUALITY}), resized.size


def animated_variant(animation: Animation, spec: VariantSpec) -> EncodedBytes:
    """Encode a variant with all frames of an animation."""
    size = _fit(animation.size, spec)

    def resize(frame: PIL.Image.Image) -> PIL.Image.Image:
        mode = "RGBA" if frame.has_transparency_data else "RGB"
        resized = frame.convert(mode).resize(size, reducing_gap=_REDUCING_GAP)
        resized.info = {"duration": frame.info["duration"]}
        return resized

    if spec.is_webp:
        return ImageFormat.WEBP, encode_animated_webp(animation, resize), size
    return ImageFormat.GIF, encode_gif(animation, resize), size


def _fit(size: tuple[int, int], spec: VariantSpec) -> tuple[int, int]:
    if spec.is_exact:
        return spec.width, spec.height
    width, height = size
    scale = min(spec.width / width, spec.height / height, 1)
    return max(round(width * scale), 1), max(round(height * scale), 1)


MAX_FILES: Final = 100
_READERS: Final[dict[SourceFormat, Callable[[mmap.mmap, LimitChecker], Header]]] = {
    SourceFormat.JPEG: read_jpeg,
    SourceFormat.PNG: read_png,
    SourceFormat.GIF: read_gif,
    SourceFormat.WEBP: read_webp,
    SourceFormat.HEIC: read_heic,
}
_OPENERS: Final[dict[SourceFormat, Callable[[BinaryIO], PIL.Image.Image]]] = {
    SourceFormat.PNG: PngImagePlugin.PngImageFile,
    SourceFormat.GIF: GifImagePlugin.GifImageFile,
    SourceFormat.WEBP: Webp,
    SourceFormat.HEIC: HeifImageFile,
}


class _Source:
    def __init__(self, file: BinaryIO, task: Task) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        if not self.size:
            raise InvalidImage("The file is empty.", InvalidImageReason.EMPTY)
        media_type = detect_type(file.read(SNIFFED_BYTES))
        file.seek(0)
        detected = source_format(media_type)
        if detected is None or detected not in task.formats:
            raise UnsupportedImageType(media_type)
        self.format = detected
        self.limits = LimitChecker(task.limits, detected)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                self.header = _READERS[detected](content, self.limits)
            except (struct.error, IndexError, ValueError) as error:
                raise InvalidImage from error
            if isinstance(self.header, Jpeg):
                self.image = _open_jpeg(content, self.header)
        if detected is not SourceFormat.JPEG:
            # Broken metadata is ignored, but `load` still rejects incomplete pixels.
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                self.image = _OPENERS[detected](file)
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
        is_resized = detected in {SourceFormat.GIF, SourceFormat.HEIC}
        if self.image.size != self.header.size and not is_resized:
            raise InvalidImage  # only pixels that were counted are decoded
        if is_hdr(self.image, self.header.transfer):
            raise HdrNotSupported

    def open_animation(self) -> Animation | None:
        """Return the animation if the upload is a GIF, and None for a still image."""
        if not isinstance(self.header, Gif):
            return None
        self._file.seek(0)
        return Animation(self.header, self._file.read(), self.image.info.get("loop"))

    def decode_still(self) -> PIL.Image.Image:
        """Decode the image, scaled down if it is a JPEG over the limit of pixels. It works once."""
        width, height = self.image.size
        max_pixels = self.limits.limits.max_pixels
        for scale in (1, 2, 4, 8):
            if -(-width // scale) * -(-height // scale) <= max_pixels:
                self.image.draft("", (width // scale, height // scale))
                break
        if self.image.info.get("default_image"):
            # The default image of an animated PNG is shown only if no frame follows.
            with suppress(EOFError, SyntaxError):
                self.image.seek(1)
        self._drop_canvases()
        image = self.image
        del self.image  # so that it ends when it is turned
        return normalize(image, is_turned=self.header.is_turned)

    def _drop_canvases(self) -> None:
        """Decode a WebP, and keep nothing of its decoder."""
        if isinstance(self.image, Webp):
            make_image, metadata = self.image.decode(), self.image.info
            del self.image
            self.image = make_image()
            self.image.info = metadata


def _open_jpeg(content: mmap.mmap, jpeg: Jpeg) -> PIL.Image.Image:
    for with_metadata in (True, False):
        # Pillow has no common exception for broken metadata.
        with suppress(Exception):
            cleaned = jpeg.clean(content, with_metadata=with_metadata)
            return JpegImagePlugin.JpegImageFile(io.BytesIO(cleaned))
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
    except HdrNotSupported:
        return Answer(failure=Failure(is_hdr=True))
    except InvalidImage as error:
        return invalid_answer(error)
    except MemoryError:
        return invalid_answer(too_complex())
    except Exception as error:  # noqa: BLE001 - decoders raise many types for broken files
        is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        return Answer(failure=Failure()) if is_full else invalid_answer(InvalidImage())


def _encode(source: _Source, task: Task) -> Iterator[EncodedBytes]:
    animation = source.open_animation()
    if animation is not None:
        if task.is_published:
            yield ImageFormat.GIF, encode_gif(animation), animation.size
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
    heif_options.DECODE_THREADS = 1
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
