"""Color spaces that a file describes by numbers instead of an ICC profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

Point = tuple[float, float]
Matrix = Sequence[Sequence[float]]


class Curve(Enum):
    """A transfer function that is no power."""

    SRGB = 13
    PQ = 16
    HLG = 18


_D65: Final = (0.3127, 0.3290)
_C: Final = (0.310, 0.316)
_BT709: Final = (_D65, (0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_SMPTE170M: Final = (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
# ITU-T H.273, table 2: white, red, green and blue. Other code points are unspecified or reserved.
_PRIMARIES: Final[dict[int, tuple[Point, ...]]] = {
    4: (_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _SMPTE170M,
    7: _SMPTE170M,
    8: (_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    10: ((1 / 3, 1 / 3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),
    11: ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: (_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
# Table 3. Those of cameras (1, 6, 7, 11, 12, 14, 15) are no curves of displays. Images with them
# are shown with the curve of sRGB, as in Chromium.
_TRANSFERS: Final[dict[int, Curve | float]] = {
    4: 2.2,
    5: 2.8,
    8: 1.0,
    16: Curve.PQ,
    17: 2.6,
    18: Curve.HLG,
}
_GAMMAS_OF_SRGB: Final = (2.2 / 1.05, 2.2 / 0.95)
_GAMMAS: Final = (0.1, 10.0)
_BRADFORD: Final = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
_D50: Final = (0.9642, 1.0, 0.8249)


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """Primaries and a transfer function. The default is sRGB.

    Attributes:
        primaries: The chromaticities of white, red, green and blue.
        transfer: The exponent of a power, or another function.
        is_narrow: Whether black is 16 and white is 235, as in videos.
    """

    primaries: tuple[Point, ...] = _BT709
    transfer: Curve | float = Curve.SRGB
    is_narrow: bool = False

    @property
    def is_hdr(self) -> bool:
        """Whether white is brighter than paper."""
        return self.transfer in {Curve.PQ, Curve.HLG}

    def signal(self, level: float) -> float:
        """Return the signal from 0 to 1 of a sample from 0 to 1."""
        return _clip((255 * level - 16) / 219) if self.is_narrow else level

    def to_linear(self, level: float) -> float:
        """Return the light of a sample from 0 to 1, for a curve of SDR."""
        signal = self.signal(level)
        if isinstance(self.transfer, float):
            return float(signal**self.transfer)
        return signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4

    def to_xyz(self) -> Matrix:
        """Return the matrix from linear RGB to XYZ, adapted to D50 as ICC profiles need it.

        Raises:
            ValueError: These primaries have none.
        """
        try:
            (x, y), *colors = self.primaries
            white = (x / y, 1.0, (1 - x - y) / y)
            unscaled = _transpose([(x, y, 1 - x - y) for x, y in colors])
            scales = multiply(inverse(unscaled), _transpose([white]))
            gains = [
                new / old
                for (new,), (old,) in zip(
                    multiply(_BRADFORD, _transpose([_D50])),
                    multiply(_BRADFORD, _transpose([white])),
                    strict=True,
                )
            ]
        except ZeroDivisionError as error:
            raise ValueError(self.primaries) from error
        if min(scale for (scale,) in scales) < 0:  # white is not between the colors
            raise ValueError(self.primaries)
        adaptation = multiply(inverse(_BRADFORD), multiply(_diagonal(gains), _BRADFORD))
        return multiply(adaptation, multiply(unscaled, _diagonal([scale for (scale,) in scales])))


def from_code_points(primaries: int, transfer: int, *, is_narrow: bool = False) -> ColorSpace:
    """Return the color space of code points of H.273.

    Unspecified and unknown ones are those of sRGB (MIAF, ISO/IEC 23000-22, 7.3.6.4).
    """
    return ColorSpace(
        _PRIMARIES.get(primaries, _BT709), _TRANSFERS.get(transfer, Curve.SRGB), is_narrow
    )


def from_gamma(gamma: float, chromaticities: Sequence[float] | None) -> ColorSpace | None:
    """Return the color space of the chunks gAMA and cHRM of a PNG, or None for nonsense.

    A gamma of 1/2.2, up to 5 % more or less, stands for the curve of sRGB, which has no better
    value. libpng does not correct such a difference either.
    """
    if not gamma or not _GAMMAS[0] <= 1 / gamma <= _GAMMAS[1]:
        return None
    is_srgb = _GAMMAS_OF_SRGB[0] <= 1 / gamma <= _GAMMAS_OF_SRGB[1]
    transfer = Curve.SRGB if is_srgb else 1 / gamma
    if chromaticities is None or len(chromaticities) != 8:
        return ColorSpace(transfer=transfer)
    points = zip(chromaticities[::2], chromaticities[1::2], strict=True)
    return ColorSpace(tuple(points), transfer)


ADOBE_RGB: Final = ColorSpace(
    (_D65, (0.640, 0.330), (0.210, 0.710), (0.150, 0.060)), transfer=563 / 256
)


def multiply(left: Matrix, right: Matrix) -> Matrix:
    """Return the product of two matrices."""
    columns = _transpose(right)
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left
    ]


def inverse(matrix: Matrix) -> Matrix:
    """Return the inverse of a matrix of three rows by its cofactors.

    Raises:
        ZeroDivisionError: There is none.
    """
    cofactors = [
        [
            matrix[(row + 1) % 3][(column + 1) % 3] * matrix[(row + 2) % 3][(column + 2) % 3]
            - matrix[(row + 1) % 3][(column + 2) % 3] * matrix[(row + 2) % 3][(column + 1) % 3]
            for row in range(3)
        ]
        for column in range(3)
    ]
    determinant = sum(matrix[0][column] * cofactors[column][0] for column in range(3))
    return [[cofactor / determinant for cofactor in row] for row in cofactors]


def _transpose(matrix: Matrix) -> Matrix:
    return list(zip(*matrix, strict=True))


def _diagonal(values: Sequence[float]) -> Matrix:
    return [[value * (row == column) for column in range(3)] for row, value in enumerate(values)]


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
