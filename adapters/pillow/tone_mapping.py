"""Tone mapping: the colors of HDR images (ITU-R BT.2100) on an SDR display."""

import math
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import PIL.Image
from PIL import ImageFilter, ImageMath
from PIL.ImageMath import imagemath_max as maximum
from PIL.ImageMath import imagemath_min as minimum

from adapters.pillow.color_spaces import ColorSpace, Curve, inverse, multiply

_GRID: Final = 65
"""Points of the table for each channel, the most that Pillow allows. Fewer tint bright grays."""
_REFERENCE_WHITE: Final = 203
"""In cd/m², of white paper (ITU-R BT.2408). Lamps and reflections are brighter."""
_PEAK: Final = 1_000 / _REFERENCE_WHITE
"""Brighter light is white too. It is also the peak of HLG on its reference display."""
_KNEE: Final = 0.75
"""Less light stays as it is. With this value, reference white becomes level 241."""
_SLOPE: Final = (_PEAK - _KNEE) / (1 - _KNEE)
_BT2020_LUMINANCE: Final = (0.2627, 0.6780, 0.0593)
_BT709_LUMINANCE: Final = (0.2126, 0.7152, 0.0722)
_MIN_LIGHT: Final = 1e-9
Planes = Sequence[PIL.Image.Image]
"""Red, green and blue as images of floats. Pillow calculates with all their pixels at once."""


def tone_map(image: PIL.Image.Image, space: ColorSpace) -> PIL.Image.Image:
    """Convert an image in L, LA, RGB or RGBA to sRGB.

    - Light up to the knee stays as it is. More of it is compressed, up to the peak.
    - The hue stays: the medium channel keeps its place between the others.
    - Colors outside sRGB become paler, with the same luminance.

    Raises:
        ValueError: The color space has no matrix.
    """
    if image.mode not in {"L", "LA"}:
        return image.filter(_make_table(space))
    gray = image.getchannel("L").point(_make_gray_table(space))
    if image.mode == "LA":
        gray.putalpha(image.getchannel("A"))
    return gray


@lru_cache(maxsize=4)
def _make_table(space: ColorSpace) -> ImageFilter.Color3DLUT:
    lights = [_to_linear(space, point / (_GRID - 1)) for point in range(_GRID)]
    reds = lights * _GRID**2  # red changes first
    greens = [light for light in lights for _ in range(_GRID)] * _GRID
    blues = [light for light in lights for _ in range(_GRID**2)]
    samples = _to_srgb(space, [_to_plane(reds), _to_plane(greens), _to_plane(blues)])
    table = [0.0] * (3 * _GRID**3)
    for channel, plane in enumerate(samples):
        table[channel::3] = array("f", plane.tobytes())
    return ImageFilter.Color3DLUT(_GRID, table)


@lru_cache(maxsize=4)
def _make_gray_table(space: ColorSpace) -> list[int]:
    plane = _to_plane([_to_linear(space, level / 255) for level in range(256)])
    red, *_ = _to_srgb(space, [plane] * 3)
    return [round(255 * sample) for sample in array("f", red.tobytes())]


def _to_linear(space: ColorSpace, level: float) -> float:
    """Return the light of a sample: for PQ in multiples of reference white, for HLG up to 1."""
    signal = space.signal(level)
    if space.transfer is Curve.PQ:  # ITU-R BT.2100, table 4
        root = signal ** (32 / 2523)
        ratio = max(root - 107 / 128, 0.0) / (2413 / 128 - 2392 / 128 * root)
        return 10_000 / _REFERENCE_WHITE * float(ratio ** (8192 / 1305))
    if signal <= 0.5:  # table 5
        return signal**2 / 3
    return (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12


def _to_srgb(space: ColorSpace, lights: Planes) -> Planes:
    """Return the samples of sRGB from 0 to 1."""
    if space.transfer is Curve.HLG:
        scene = _weighted(_BT2020_LUMINANCE, lights)
        lights = [
            _evaluate(lambda light, luminance: light * luminance**0.2 * _PEAK, light, scene)
            for light in lights
        ]
    matrix = multiply(inverse(ColorSpace().to_xyz()), space.to_xyz())
    lights = [_weighted(row, lights) for row in matrix]
    luminance = _weighted(_BT709_LUMINANCE, lights)
    darkest, brightest = _extremes(lights)
    lights = [_evaluate(_desaturate, light, luminance, darkest) for light in lights]
    darkest, brightest = _extremes(lights)
    samples = [_evaluate(_encode, light) for light in lights]
    return [_evaluate(_compress_samples, sample, darkest, brightest) for sample in samples]


def _desaturate(light: Any, luminance: Any, darkest: Any) -> Any:
    """Mix a color that has negative light with gray, until it has none."""
    visible = maximum(luminance, _MIN_LIGHT)
    part = visible / (visible - minimum(darkest, 0.0))
    return maximum(visible + part * (light - visible), 0.0)


def _compress_samples(sample: Any, darkest: Any, brightest: Any) -> Any:
    """Compress the darkest and the brightest channel, and keep the position between them."""
    old_low, old_high = _encode(darkest), _encode(brightest)
    new_low, new_high = _encode(_compress(darkest)), _encode(_compress(brightest))
    position = (sample - old_low) / maximum(old_high - old_low, _MIN_LIGHT)
    return new_low + position * (new_high - new_low)


def _compress(light: Any) -> Any:
    """Continue the line up to the knee with a hyperbola that reaches 1 at the peak."""
    position = minimum(maximum((light - _KNEE) / (_PEAK - _KNEE), 0.0), 1.0)
    above = (1 - _KNEE) * _SLOPE * position / (1 + (_SLOPE - 1) * position)
    return minimum(light, _KNEE) + above


def _encode(light: Any) -> Any:
    """IEC 61966-2-1."""
    is_dark = light <= 0.0031308
    curve = 1.055 * light ** (1 / 2.4) - 0.055
    return is_dark * (12.92 * light) + (1 - is_dark) * curve


def _weighted(weights: Sequence[float], planes: Planes) -> PIL.Image.Image:
    def weigh(red: Any, green: Any, blue: Any) -> Any:
        return weights[0] * red + weights[1] * green + weights[2] * blue

    return _evaluate(weigh, *planes)


def _extremes(planes: Planes) -> tuple[PIL.Image.Image, PIL.Image.Image]:
    """Return the smallest and the greatest channel of each pixel."""
    return (
        _evaluate(lambda red, green, blue: minimum(minimum(red, green), blue), *planes),
        _evaluate(lambda red, green, blue: maximum(maximum(red, green), blue), *planes),
    )


def _evaluate(expression: Callable[..., Any], *planes: PIL.Image.Image) -> PIL.Image.Image:
    """Calculate with images of floats."""
    names = [f"plane_{number}" for number in range(len(planes))]

    def calculate(values: dict[str, Any]) -> Any:
        return expression(*(values[name] for name in names))

    result: PIL.Image.Image = ImageMath.lambda_eval(
        calculate, **dict(zip(names, planes, strict=True))
    )
    return result


def _to_plane(values: Sequence[float]) -> PIL.Image.Image:
    return PIL.Image.frombytes("F", (len(values), 1), array("f", values).tobytes())
