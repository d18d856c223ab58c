"""The clock of this machine and that of the database."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from application.operations.compare_clocks import CompareClocks
from application.ports.errors import PortError
from tests.support.fakes.clock import MovableClock

CLOCK = MovableClock()


def database_time(behind: float) -> Callable[[], Awaitable[datetime]]:
    """Return what reads the time of a database, halfway in four seconds."""

    async def read_time() -> datetime:
        CLOCK.advance(timedelta(seconds=4))
        return CLOCK.now() - timedelta(seconds=2 + behind)

    return read_time


@pytest.mark.parametrize(
    ("behind", "level", "text"),
    [
        (5, "", ""),
        (6, "WARNING", "6 s ahead of the database"),
        (360, "ERROR", "360 s ahead of the database"),
        (-31, "ERROR", "31 s behind the database"),
    ],
)
async def test_a_clock_that_differs_is_logged_and_fails_its_health_check(
    behind: float, level: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    compare = CompareClocks(database_time(behind), CLOCK)
    await compare.check()  # nothing is known yet

    assert await compare() == timedelta(seconds=behind)

    expected = [(level, {"event": "clock_differs", "reason": text})] if text else []
    assert [(line.levelname, line.msg) for line in caplog.records] == expected
    if text:
        with pytest.raises(PortError, match=text):
            await compare.check()
    else:
        await compare.check()
