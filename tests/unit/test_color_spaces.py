import colorsys
import math
from collections.abc import Iterable
from itertools import pairwise

import pytest
from PIL import Image, ImageCms

from adapters.pillow.color_spaces import ColorSpace, Curve, from_code_points, from_gamma
from adapters.pillow.icc_profiles import apply_profile, is_srgb, make_profile
from adapters.pillow.tone_mapping import tone_map
from tests.support.images import SWAPPED_PROFILE

Color = tuple[int, ...]
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3_CHROMATICITIES = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
PQ, HLG = from_code_points(9, 16), from_code_points(9, 18)
GRAYS = [(level,) * 3 for level in range(256)]


def as_image(colors: Iterable[Color]) -> Image.Image:
    """Return an image with a pixel for each color."""
    pixels = list(colors)
    channels = len(pixels[0])
    return Image.frombytes(MODES[channels], (len(pixels), 1), bytes(sum(pixels, ())))


def as_colors(image: Image.Image) -> list[Color]:
    samples, channels = image.tobytes(), len(image.mode)
    return [tuple(samples[at : at + channels]) for at in range(0, len(samples), channels)]


def convert(colors: Iterable[Color], space: ColorSpace) -> list[Color]:
    image = as_image(colors)
    if space.is_hdr:
        return as_colors(tone_map(image, space))
    profile = make_profile(space, is_gray=image.mode.startswith("L"))
    return as_colors(apply_profile(image, profile))


def difference(first: Color, second: Color) -> int:
    return max(abs(a - b) for a, b in zip(first, second, strict=True))


def pq_level(light: float) -> int:
    """Return the sample for so many cd/m² (ITU-R BT.2100, table 4)."""
    power = math.pow(light / 10_000, 1305 / 8192)
    ratio = (107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power)
    return round(255 * math.pow(ratio, 2523 / 32))


@pytest.mark.parametrize(
    ("space", "color", "expected"),
    [
        (from_code_points(12, 13), (200, 60, 40), (217, 42, 23)),
        (from_code_points(12, 13), (200, 60, 40, 9), (217, 42, 23, 9)),
        (from_gamma(0.45455, P3_CHROMATICITIES), (200, 60, 40), (217, 42, 23)),
        (from_code_points(1, 8), (200, 60, 40), (229, 133, 110)),
        (from_gamma(1, None), (200, 60, 40), (229, 133, 110)),
        (from_code_points(9, 8), (200, 9), (229, 9)),
        (from_code_points(9, 14), (200, 60, 40), (247, 0, 24)),
        (from_code_points(1, 13, is_narrow=True), (188, 68, 50), (200, 60, 40)),
        (from_code_points(1, 13, is_narrow=True), (0, 16, 255), (0, 0, 255)),
    ],
)
def test_a_color_looks_the_same_in_srgb(space: ColorSpace, color: Color, expected: Color) -> None:
    (result,) = convert([color], space)

    assert difference(result, expected) <= 1


@pytest.mark.parametrize("code_points", [(2, 2), (1, 13), (1, 6), (0, 255), (1, 14)])
def test_unspecified_colors_and_those_of_television_are_srgb(code_points: tuple[int, int]) -> None:
    assert from_code_points(*code_points) == ColorSpace()


@pytest.mark.parametrize("primaries", [4, 5, 6, 7, 8, 9, 10, 11, 12, 22])
def test_grays_stay_gray_in_all_primaries(primaries: int) -> None:
    converted = convert(GRAYS, from_code_points(primaries, 13))

    assert max(map(difference, converted, GRAYS)) <= 1


@pytest.mark.parametrize(
    ("gamma", "transfer"),
    [
        (0.45455, Curve.SRGB),
        (0.43636, Curve.SRGB),
        (0.5, 2.0),
        (0.42, 1 / 0.42),
    ],
)
def test_a_gamma_near_that_of_srgb_is_that(gamma: float, transfer: Curve | float) -> None:
    space = from_gamma(gamma, None)

    assert space is not None
    assert space.transfer == transfer


@pytest.mark.parametrize("gamma", [0, 0.00001, 42_000])
def test_an_impossible_gamma_is_ignored(gamma: float) -> None:
    assert from_gamma(gamma, None) is None


@pytest.mark.parametrize(
    "chromaticities",
    [
        (0.0,) * 8,
        (0.3127, 0.0, *P3_CHROMATICITIES[2:]),
        (0.3127, 0.329, *(0.3, 0.3) * 3),
        (0.9, 0.05, *P3_CHROMATICITIES[2:]),
        (0.3127, 0.00001, 0.64, 0.33, 0.3, 0.6, 0.3, 0.00001),
    ],
    ids=["zero", "no luminance", "one color", "white outside", "too bright"],
)
def test_impossible_primaries_have_no_profile(chromaticities: tuple[float, ...]) -> None:
    space = from_gamma(1, chromaticities)
    assert space is not None

    with pytest.raises(ValueError, match=r"\("):
        make_profile(space, is_gray=False)


@pytest.mark.parametrize(
    ("profile", "mode", "expected"),
    [
        (SRGB_PROFILE, "RGB", True),
        (SRGB_PROFILE.replace("sRGB".encode("utf-16-be"), "Mine".encode("utf-16-be")), "RGB", True),
        (make_profile(ColorSpace(), is_gray=False), "RGB", True),
        (make_profile(ColorSpace(), is_gray=True), "L", True),
        (
            SWAPPED_PROFILE.replace("Swap".encode("utf-16-be"), "sRGB".encode("utf-16-be")),
            "RGB",
            False,
        ),
        (make_profile(ColorSpace(transfer=2.2), is_gray=False), "RGB", False),
    ],
    ids=["sRGB", "another name", "a table", "gray", "another one named sRGB", "a power"],
)
def test_a_profile_is_that_of_srgb_by_its_colors(profile: bytes, mode: str, expected: bool) -> None:
    assert is_srgb(profile, mode) is expected


@pytest.mark.parametrize(
    ("space", "white", "peak"),
    [(PQ, pq_level(203), pq_level(1_000)), (HLG, round(0.75 * 255), 255)],
    ids=["PQ", "HLG"],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_paper_of_an_hdr_image_is_nearly_white(
    space: ColorSpace, white: int, peak: int, channels: int
) -> None:
    colors = convert([gray[:channels] for gray in GRAYS], space)

    assert all(235 <= sample <= 245 for sample in colors[white])
    assert {sample for color in colors[peak:] for sample in color} == {255}
    for darker, brighter in pairwise(colors):
        assert all(a <= b for a, b in zip(darker, brighter, strict=True))
    assert max(max(color) - min(color) for color in colors) <= 1


def test_dark_colors_of_an_hdr_image_are_those_of_the_scene() -> None:
    light = [ColorSpace().to_linear(level / 255) for level in (200, 60, 40)]
    samples = tuple(pq_level(203 * value) for value in light)

    (result,) = convert([samples], from_code_points(1, 16))

    assert difference(result, (200, 60, 40)) <= 3  # 8 bits of PQ are coarse


@pytest.mark.parametrize("light", [(1.0, 0.25, 0.1), (0.2, 1.0, 0.5), (0.3, 0.4, 1.0)])
def test_bright_colors_of_an_hdr_image_keep_their_hue(light: tuple[float, ...]) -> None:
    scenes = [[exposure * value for value in light] for exposure in (100, 250, 500, 900)]
    colors = [tuple(map(pq_level, scene)) for scene in scenes]

    converted = convert(colors, from_code_points(1, 16))

    hues = [colorsys.rgb_to_hsv(*color)[0] for color in converted]
    assert max(hues) - min(hues) < 0.02


@pytest.mark.parametrize("space", [PQ, HLG])
def test_opacities_of_an_hdr_image_stay(space: ColorSpace) -> None:
    assert convert([(90, 120, 100, 7)], space)[0][3] == 7
    assert convert([(90, 7)], space)[0][1] == 7
