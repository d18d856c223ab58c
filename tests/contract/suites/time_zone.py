"""The time zone in which the suites run: an adapter that uses local time fails in it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

WEST: Final = "HST10HDT,M3.2.0,M11.1.0"
"""The zone of the Aleutian Islands: nine hours behind UTC in summer, ten in winter.

Summer begins on 8 March 2026 at 2:00, and ends on 1 November at 2:00, each in local time.
"""
YESTERDAY: Final = "LAST+23:59:59"
"""A zone in which it is always the day before that of UTC, but for a second."""


@contextmanager
def in_zone(zone: str) -> Iterator[None]:
    """Let local time be that of a zone until the end of the block."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", zone)
            time.tzset()
            yield
    finally:
        time.tzset()


@pytest.fixture(autouse=True)
def west_of_utc() -> Iterator[None]:
    """Let local time be far behind UTC."""
    with in_zone(WEST):
        yield
