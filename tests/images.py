"""Pictures as people send them, and some as nobody should."""

import io
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from PIL import ExifTags, Image, ImageChops, ImageCms, ImageDraw, ImageStat

SECRET: Final = b"52.5163N 13.3777E"
"""Stands in every note of these pictures that must not be published."""

PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n"


def painting(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Soft colours with a red square at the top left and a blue one at the bottom right."""
    down = Image.linear_gradient("L").resize((width, height))
    across = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90)
    across = across.resize((width, height))
    image = Image.merge("RGB", (down, across, Image.new("L", (width, height), 128)))
    draw, side = ImageDraw.Draw(image), min(width, height) // 3
    draw.rectangle((0, 0, side, side), "red")
    draw.rectangle((width - side, height - side, width, height), "blue")
    return image.convert(mode)


def saved(image: Image.Image, picture_format: str, **how: Any) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, picture_format, **how)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """The file as an image, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def differ(one: Image.Image, other: Image.Image) -> float:
    """By how much two images of one size differ on average, of 255."""
    assert one.size == other.size
    difference = ImageChops.difference(one.convert("RGBA"), other.convert("RGBA"))
    return max(ImageStat.Stat(difference).mean)


# JPEG


def plain_jpeg(width: int = 64, height: int = 48, **how: Any) -> bytes:
    """A photo without notes."""
    return saved(painting(width, height), "JPEG", **{"quality": 90, **how})


def phone_photo(width: int = 64, height: int = 48, orientation: int = 6) -> bytes:
    """What a phone sends: lying on its side, with place, maker's note, thumbnail, XMP, film."""
    plain = plain_jpeg(width, height)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    notes = segment(0xE1, b"Exif\0\0" + exif(orientation)) + segment(0xE1, xmp)
    notes += segment(0xED, b"Photoshop 3.0\0" + SECRET) + segment(0xFE, SECRET)
    return plain[:2] + notes + plain[2:] + b"\0\0\0\x18ftypmp42" + SECRET


def truncated_jpeg() -> bytes:
    """A photo whose upload broke off in the middle."""
    whole = plain_jpeg()
    return whole[: len(whole) * 2 // 3]


def multi_picture_jpeg() -> bytes:
    """Two pictures in one file (MPO), as many phones and cameras write them."""
    second = painting().transpose(Image.Transpose.ROTATE_180)
    return saved(painting(), "MPO", save_all=True, append_images=[second], quality=90)


def pixel_bomb_jpeg() -> bytes:
    """A small photo that says that it is 65,000 pixels wide and high."""
    plain = plain_jpeg()
    at = plain.index(b"\xff\xc0") + 5
    return plain[:at] + struct.pack(">HH", 65_000, 65_000) + plain[at + 4 :]


def scan_bomb_jpeg(scans: int = 5_000) -> bytes:
    """A progressive photo that repeats its last scan over and over."""
    whole = saved(painting(), "JPEG", progressive=True)
    at = whole.rindex(b"\xff\xda")
    return whole[:at] + whole[at:-2] * scans + whole[-2:]


def segment(marker: int, body: bytes) -> bytes:
    """One segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_profile(jpeg: bytes, profile: bytes) -> bytes:
    """The JPEG with an ICC profile."""
    return jpeg[:2] + segment(0xE2, b"ICC_PROFILE\0\x01\x01" + profile) + jpeg[2:]


# PNG


def transparent_png(width: int = 64, height: int = 48) -> bytes:
    """Half of it can be seen through."""
    image = painting(width, height, "RGBA")
    image.paste((0, 0, 0, 0), (width // 2, 0, width, height))
    return saved(image, "PNG")


def annotated_png() -> bytes:
    """A picture with texts, a place and something behind its end."""
    plain = saved(painting(), "PNG")
    notes = chunk(b"tEXt", b"Comment\0" + SECRET)
    notes += chunk(b"zTXt", b"Location\0\0" + zlib.compress(SECRET, 0))
    notes += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SECRET)
    notes += chunk(b"eXIf", exif(orientation=6)) + chunk(b"tIME", bytes(7))
    return plain[:33] + notes + plain[33:] + SECRET


def profile_bomb_png() -> bytes:
    """A small picture with a colour profile of a hundred megabytes."""
    plain = saved(painting(), "PNG")
    return plain[:33] + chunk(b"iCCP", b"bomb\0\0" + _hundred_megabytes()) + plain[33:]


def text_bomb_png() -> bytes:
    """A small picture with a comment of a hundred megabytes."""
    plain = saved(painting(), "PNG")
    return plain[:33] + chunk(b"zTXt", b"Comment\0\0" + _hundred_megabytes()) + plain[33:]


def pixel_bomb_png() -> bytes:
    """Less than a hundred bytes that say that they are 30,000 pixels wide and high."""
    return png(30_000, 30_000, 8, 2, zlib.compress(bytes(100)))


def animated_png() -> bytes:
    """An APNG whose default picture is the first frame."""
    frames = [painting(), painting().transpose(Image.Transpose.ROTATE_180)]
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100)


def interlaced_png(image: Image.Image) -> bytes:
    """The image in seven passes (Adam7), which Pillow reads but does not write."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
    rows, raw, width = bytearray(), image.tobytes(), image.width
    for left, top, right, down in (*passes, (0, 1, 1, 2)):
        for y in range(top, image.height, down):
            starts = [3 * (y * width + x) for x in range(left, width, right)]
            rows += b"".join([b"\0", *(raw[at : at + 3] for at in starts)]) if starts else b""
    header = struct.pack(">IIBBBBB", *image.size, 8, 2, 0, 0, 1)
    pieces = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return PNG_HEAD + b"".join(pieces)


def png(width: int, height: int, depth: int, colour: int, packed: bytes, *more: bytes) -> bytes:
    """A PNG of these very chunks; `more` come before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pieces = [chunk(b"IHDR", header), *more, chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    return PNG_HEAD + b"".join(pieces)


@cache
def _hundred_megabytes() -> bytes:
    packing = zlib.compressobj(1)
    return b"".join(packing.compress(bytes(1 << 20)) for _ in range(100)) + packing.flush()


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# GIF


def still_gif(width: int = 64, height: int = 48) -> bytes:
    """A GIF that does not move."""
    return saved(painting(width, height), "GIF")


def animated_gif(
    times: Sequence[int] = (100, 0, 70), loops: int | None = 3, width: int = 64, height: int = 48
) -> bytes:
    """A frame for each time (in milliseconds), partly clear, cleared away in turn; with notes."""
    frames = [_frame(number, width, height) for number in range(len(times))]
    whole = saved(
        frames[0],
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=list(times),
        disposal=[1 + number % 3 for number in range(len(times))],
        comment=SECRET,
        **({} if loops is None else {"loop": loops}),
    )
    note = b"!\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0"
    return whole[:-1] + note + b";" + SECRET


def frame_bomb_gif(frames: int = 100_000) -> bytes:
    """A small file of very many frames."""
    return gif(1, 1, [gif_frame(0, 0, 1, 1)] * frames)


def growing_gif() -> bytes:
    """A tiny canvas, and a second frame as large as frames can be."""
    return gif(1, 1, [gif_frame(0, 0, 1, 1), gif_frame(0, 0, 65_535, 65_535)])


def gif(width: int, height: int, pieces: Sequence[bytes]) -> bytes:
    """A GIF of black and white with these very pieces."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + bytes(3) + b"\xff" * 3 + b"".join(pieces) + b";"


def gif_frame(left: int, top: int, width: int, height: int) -> bytes:
    """One pixel's worth of data that says that it is a frame of this size."""
    return b"," + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02\x02\x44\x01\0"


def gif_control(disposal: int = 0, hundredths: int = 0, clear: int | None = None) -> bytes:
    """How the next frame is shown."""
    flags = disposal << 2 | (clear is not None)
    return b"!\xf9\x04" + struct.pack("<BHBB", flags, hundredths, clear or 0, 0)


def _frame(number: int, width: int, height: int) -> Image.Image:
    image = painting(width, height, "RGBA").rotate(90 * number)
    at, side = 3 * number % width, min(width, height) // 2
    image.paste((0, 0, 0, 0), (at, 0, at + side, side))
    return image


# Notes


def exif(orientation: int) -> bytes:
    """A TIFF structure with an orientation, a place, a maker's note and a thumbnail."""
    notes = Image.Exif()
    notes[ExifTags.Base.Orientation] = orientation
    notes[ExifTags.Base.Artist] = SECRET.decode()
    notes.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = SECRET
    place = notes.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 0.98)
    place[ExifTags.GPS.GPSAreaInformation] = SECRET
    return _with_thumbnail(notes.tobytes().removeprefix(b"Exif\0\0"))


def _with_thumbnail(tiff: bytes) -> bytes:
    (first,) = struct.unpack_from(">I", tiff, 4)
    (count,) = struct.unpack_from(">H", tiff, first)
    next_at = first + 2 + 12 * count
    thumbnail = saved(painting(16, 12), "JPEG") + SECRET
    second = struct.pack(">H", 2)
    second += struct.pack(">HHII", 0x201, 4, 1, len(tiff) + 30)
    second += struct.pack(">HHII", 0x202, 4, 1, len(thumbnail)) + bytes(4)
    return tiff[:next_at] + struct.pack(">I", len(tiff)) + tiff[next_at + 4 :] + second + thumbnail


def swapped_profile() -> bytes:
    """An ICC profile whose red is everybody's green, and the other way round."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
    return profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
