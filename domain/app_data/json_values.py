"""Values of JSON that all programs read alike."""

from typing import Final

from domain.errors import InvalidNumber

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that programs which have only floating-point numbers read exactly, such as
those in JavaScript (RFC 7493 §2.2)."""


def check_integer(value: object) -> None:
    """Check a value, if it is an integer.

    Raises:
        InvalidNumber: It is larger than `MAX_INTEGER`, or smaller than its negative.
    """
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise InvalidNumber(
            f"Many programs round an integer beyond ±{MAX_INTEGER}. Send it as a text."
        )
