"""Sample images: usual ones, and malicious ones."""

import io
import os
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final

from PIL import Image, ImageChops, ImageDraw, ImageStat

SECRET: Final = b"52.5163N 13.3777E"
"""A text in all metadata of the sample images. It must not be published."""

_SAMPLES: Final = Path(__file__).with_name("samples")
EXIF: Final = (_SAMPLES / "exif.tiff").read_bytes()
"""`sample_image(13, 11)` in seven passes (Adam7), which Pillow reads but does not write."""
HEIC_PHOTO: Final = (_SAMPLES / "photo.heic").read_bytes()
"""`sample_image()`, rotated by its metadata, which also have the secret."""
SWAPPED_PROFILE: Final = (_SAMPLES / "swapped.icc").read_bytes()
"""An ICC profile with red and green swapped."""
PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def as_file(content: bytes) -> BinaryIO:
    """Return an open file with a descriptor, at its beginning."""
    file = os.fdopen(os.memfd_create("upload"), "w+b")
    file.write(content)
    file.seek(0)
    return file


def sample_image(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Gradients, with a red square at the top left and a blue one at the bottom right."""
    vertical = Image.linear_gradient("L").resize((width, height))
    horizontal = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90)
    horizontal = horizontal.resize((width, height))
    image = Image.merge("RGB", (vertical, horizontal, Image.new("L", (width, height), 128)))
    draw, side = ImageDraw.Draw(image), min(width, height) // 3
    draw.rectangle((0, 0, side, side), "red")
    draw.rectangle((width - side, height - side, width, height), "blue")
    return image.convert(mode)


def encode(image: Image.Image, image_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def decode(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def mean_difference(first: Image.Image, second: Image.Image) -> float:
    """Return the mean difference of two images of the same size, from 0 to 255."""
    assert first.size == second.size
    difference = ImageChops.difference(first.convert("RGBA"), second.convert("RGBA"))
    return max(ImageStat.Stat(difference).mean)


def plain_jpeg(width: int = 64, height: int = 48, **options: Any) -> bytes:
    return encode(sample_image(width, height), "JPEG", **{"quality": 90, **options})


def phone_photo(width: int = 64, height: int = 48, orientation: int = 6) -> bytes:
    """A photo of a phone: rotated, with location, maker note, thumbnail, XMP and a video."""
    plain = plain_jpeg(width, height)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    metadata = segment(0xE1, b"Exif\0\0" + exif(orientation)) + segment(0xE1, xmp)
    metadata += segment(0xED, b"Photoshop 3.0\0" + SECRET) + segment(0xFE, SECRET)
    return plain[:2] + metadata + plain[2:] + b"\0\0\0\x18ftypmp42" + SECRET


def multi_picture_jpeg() -> bytes:
    """Two images in one file (MPO), as many phones and cameras write them."""
    second = sample_image().transpose(Image.Transpose.ROTATE_180)
    return encode(sample_image(), "MPO", save_all=True, append_images=[second], quality=90)


def scan_bomb_jpeg(scans: int = 5_000) -> bytes:
    """A progressive photo that repeats its first scan many times."""
    content = plain_jpeg(progressive=True)
    first = content.index(b"\xff\xda")
    second = min(content.index(marker, first + 2) for marker in (b"\xff\xda", b"\xff\xc4"))
    return content[:first] + content[first:second] * scans + content[second:]


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def transparent_png(width: int = 64, height: int = 48) -> bytes:
    """A PNG whose right half is transparent."""
    image = sample_image(width, height, "RGBA")
    image.paste((0, 0, 0, 0), (width // 2, 0, width, height))
    return encode(image, "PNG")


def annotated_png(orientation: int = 6) -> bytes:
    """A PNG with texts, a location and data after its end."""
    plain = encode(sample_image(), "PNG")
    metadata = chunk(b"tEXt", b"Comment\0" + SECRET)
    metadata += chunk(b"zTXt", b"Location\0\0" + zlib.compress(SECRET, 0))
    metadata += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SECRET)
    metadata += chunk(b"eXIf", exif(orientation)) + chunk(b"tIME", bytes(7))
    return plain[:33] + metadata + plain[33:] + SECRET


@cache
def png_bomb(kind: bytes, name: bytes) -> bytes:
    """A small image with an ICC profile or a comment of a hundred megabytes."""
    compressor = zlib.compressobj(1)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(100)) + compressor.flush()
    plain = encode(sample_image(), "PNG")
    return plain[:33] + chunk(kind, name + b"\0\0" + bomb) + plain[33:]


def animated_png() -> bytes:
    """An APNG whose default image is the first frame."""
    frames = [sample_image(), sample_image().transpose(Image.Transpose.ROTATE_180)]
    return encode(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100)


def png(
    width: int, height: int, depth: int, color_type: int, compressed: bytes, *more: bytes
) -> bytes:
    """A PNG of exactly these chunks; `more` come before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *more, chunk(b"IDAT", compressed), chunk(b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(chunks)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def still_gif() -> bytes:
    return encode(sample_image(), "GIF")


def animated_gif(
    delays: Sequence[int] = (100, 0, 70), loops: int | None = 3, width: int = 64, height: int = 48
) -> bytes:
    """A frame for each delay in milliseconds, with transparency, disposals and metadata."""
    frames = [_frame(number, width, height) for number in range(len(delays))]
    content = encode(
        frames[0],
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=list(delays),
        disposal=[1 + number % 3 for number in range(len(delays))],
        comment=SECRET,
        **({} if loops is None else {"loop": loops}),
    )
    xmp = b"!\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0"
    return content[:-1] + xmp + b";" + SECRET


def gif(width: int, height: int, blocks: Sequence[bytes]) -> bytes:
    """A GIF of exactly these blocks, with a palette of black and white."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + bytes(3) + b"\xff" * 3 + b"".join(blocks) + b";"


def gif_frame(left: int, top: int, width: int, height: int) -> bytes:
    """A frame with the data of one pixel, whose header has this size."""
    return b"," + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02\x02\x44\x01\0"


def _frame(number: int, width: int, height: int) -> Image.Image:
    image = sample_image(width, height, "RGBA").rotate(90 * number)
    at, side = 3 * number % width, min(width, height) // 2
    image.paste((0, 0, 0, 0), (at, 0, at + side, side))
    return image


def xmp(orientation: int) -> bytes:
    """An XMP packet with an orientation."""
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></x:xmpmeta>'
        % orientation
    )


def exif(orientation: int) -> bytes:
    """A TIFF structure with an orientation, a location, a maker note and a thumbnail."""
    field = b"\1\x12\0\3\0\0\0\1\0"
    return EXIF.replace(field + b"\6", field + bytes([orientation]))
