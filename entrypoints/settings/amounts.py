"""Durations, sizes and counts, as they are written in settings."""

import re
from collections.abc import Callable
from datetime import timedelta

from domain.errors import InvalidValue

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_BYTES = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9,
    "kib": 2**10, "mib": 2**20, "gib": 2**30,
}  # fmt: skip
_DURATION = re.compile(r"([0-9]{1,9})([dhms])")
_SIZE = re.compile(r"([0-9]{1,12}) ?([kmg]?i?b|)")
_COUNT = re.compile(r"[0-9]{1,12}")


def duration_between(shortest: str, longest: str) -> Callable[[str], timedelta]:
    """Make a reader of whole days, hours, minutes or seconds, within bounds."""
    least, most = _seconds(shortest), _seconds(longest)

    def read(text: str) -> timedelta:
        seconds = _seconds(text.lower())
        if seconds is None or least is None or most is None or not least <= seconds <= most:
            raise InvalidValue(
                f"Takes a duration from {shortest} to {longest}: "
                "a whole number and d, h, m or s behind it."
            )
        return timedelta(seconds=seconds)

    return read


def size_between(smallest: str, largest: str) -> Callable[[str], int]:
    """Make a reader of bytes, within bounds; kB is 1000 of them and KiB 1024."""
    least, most = _bytes(smallest), _bytes(largest)

    def read(text: str) -> int:
        size = _bytes(text)
        if size is None or least is None or most is None or not least <= size <= most:
            raise InvalidValue(
                f"Takes a size from {smallest} to {largest}: "
                "bytes, or a whole number and kB, MB, GB, KiB, MiB or GiB behind it."
            )
        return size

    return read


def count_between(least: int, most: int) -> Callable[[str], int]:
    """Make a reader of whole numbers, within bounds."""

    def read(text: str) -> int:
        if not _COUNT.fullmatch(text) or not least <= int(text) <= most:
            raise InvalidValue(f"Takes a whole number from {least} to {most}.")
        return int(text)

    return read


def _seconds(text: str) -> int | None:
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def _bytes(text: str) -> int | None:
    match = _SIZE.fullmatch(text.lower())
    return int(match[1]) * _BYTES[match[2]] if match else None
