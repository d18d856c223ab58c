"""ICC profiles: made from a color space, compared with sRGB, and applied."""

import io
import struct
from functools import lru_cache
from typing import Final

import PIL.Image
from PIL import ImageChops, ImageCms

from adapters.pillow.color_spaces import ColorSpace

_CURVE_POINTS: Final = 4096
_D50: Final = (0.9642, 1.0, 0.8249)
# Dark colors too: curves differ most there.
_LEVELS: Final = (0, 10, 25, 60, 120, 190, 255)
_SAMPLES: Final = bytes(
    level
    for red in _LEVELS
    for green in _LEVELS
    for blue in _LEVELS
    for level in (red, green, blue)
)


@lru_cache(maxsize=16)
def make_profile(space: ColorSpace, *, is_gray: bool) -> bytes:
    """Return a profile with a matrix and a curve, or for gray only a curve (ICC.1:2001-04).

    Raises:
        ValueError: There is none for these primaries.
    """
    white = _xyz(*_D50)
    levels = (space.to_linear(point / (_CURVE_POINTS - 1)) for point in range(_CURVE_POINTS))
    table = [round(65_535 * level) for level in levels]
    curve = struct.pack(f">4s4xI{_CURVE_POINTS}H", b"curv", _CURVE_POINTS, *table)
    if is_gray:
        return _pack(b"GRAY", [(b"wtpt", white), (b"kTRC", curve)])
    columns = zip((b"rXYZ", b"gXYZ", b"bXYZ"), zip(*space.to_xyz(), strict=True), strict=True)
    colors = [(name, _xyz(*column)) for name, column in columns]
    curves = [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _pack(b"RGB ", [(b"wtpt", white), *colors, *curves])


def apply_profile(image: PIL.Image.Image, content: bytes) -> PIL.Image.Image:
    """Convert an image to sRGB, unless its colors are that already. This may change the image.

    Raises:
        OSError: The profile is broken.
        PIL.ImageCms.PyCMSError: It is not for this kind of image.
    """
    if is_srgb(content, image.mode.removesuffix("A")):
        return image
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    if image.mode not in {"L", "LA"}:
        return _transform(image, profile)
    gray = _transform(image.getchannel("L"), profile).convert("L")
    if image.mode == "LA":
        gray.putalpha(image.getchannel("A"))
    return gray


@lru_cache(maxsize=8)  # a profile has at most a few megabytes
def is_srgb(content: bytes, mode: str) -> bool:
    """Return whether a profile changes no color by more than one level.

    Its name does not decide: profiles of other color spaces have been given that of sRGB.

    Raises:
        OSError, PIL.ImageCms.PyCMSError
    """
    if mode not in {"L", "RGB"}:
        return False
    samples = PIL.Image.frombytes(mode, (len(_SAMPLES) // len(mode), 1), _SAMPLES)
    expected = samples.convert("RGB")
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    result = _transform(samples, profile, ImageCms.Flags.NOOPTIMIZE)  # it takes 2 ms
    difference = ImageChops.difference(result, expected).tobytes()
    return max(difference) <= 1


def _transform(
    image: PIL.Image.Image,
    profile: ImageCms.ImageCmsProfile,
    flags: ImageCms.Flags = ImageCms.Flags.NONE,
) -> PIL.Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    target = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(profile, target, image.mode, mode, flags=flags)
    # In place if possible: two copies of a large image need too much memory.
    return ImageCms.applyTransform(image, transform, inPlace=image.mode == mode) or image


def _xyz(x: float, y: float, z: float) -> bytes:
    try:
        return struct.pack(">4s4x3i", b"XYZ ", *(round(65_536 * value) for value in (x, y, z)))
    except struct.error as error:
        raise ValueError((x, y, z)) from error


def _pack(color_model: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    """Return a profile of a display. Equal tags share their bytes."""
    start = 128 + 4 + 12 * len(tags)
    offsets, body = dict[bytes, int](), b""
    for _, tag in tags:
        if tag not in offsets:
            offsets[tag] = start + len(body)
            body += tag
    table = b"".join(struct.pack(">4sII", name, offsets[tag], len(tag)) for name, tag in tags)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x3i48x",
        start + len(body),
        0x02400000,
        b"mntr",
        color_model,
        b"XYZ ",
        b"acsp",
        *(round(65_536 * value) for value in _D50),
    )
    return header + struct.pack(">I", len(tags)) + table + body
