"""A service with users, pictures and numbers that are the same in each run, also times and ids.

The service process is `python -m tests.browser.sample_service run`. Its clock stands still; a file
in its folder moves it.
"""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final
from unittest.mock import patch

from PIL import Image, ImageDraw

from adapters.operations.system import SystemClock
from application.features.statistics.feature import StatisticsFeature
from domain.features.statistics import NONE, CountedGroup, Result
from domain.otp.delivery import Channel
from entrypoints.commands.cli import main
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.use_cases import open_use_cases
from tests.support.client import Account, sign_up, upload_item
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.randomness import SeededRandomness
from tests.support.service import Service

PROJECT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2026, 7, 6, 14, 20, tzinfo=UTC)
ADMINISTRATOR: Final = "+14155590117"
MEMBER: Final = "+14155590142"
WITHOUT_ACCOUNT: Final = "+14155590199"
USERNAMES: Final[Mapping[str, str]] = {
    ADMINISTRATOR: "Asha Rao",
    MEMBER: "Mira Lindqvist",
    "+14155590153": "نور الهدى عبد الرحمن",
    "+14155590164": "Maximiliane" + "Wolkenstein" * 4,
}
SENT_BY_HOUR: Final = (
    *(41, 28, 17, 12, 9, 14, 33, 58, 86, 104, 121, 118),
    *(109, 97, 112, 131, 140, 126, 101, 88, 93, 79, 64, 22),
)
"""Messages to India; those to other countries are parts of it."""
_PART_OF_COUNTRY: Final = {"IN": 1, "US": 3, "DE": 5, "BR": 11, "ID": 17}
_COLORS: Final = ("#c2452d", "#0a7d5a", "#3d73b5", "#8a4fbf")
_CLOCK_FILE: Final = Path("clock")


@dataclass(frozen=True, slots=True)
class Sample:
    """The service, and what is in it."""

    service: Service
    users: Mapping[str, Account]
    item_id: str
    """The newest picture, one of the member."""

    @property
    def member(self) -> Account:
        """A user with pictures."""
        return self.users[MEMBER]


@contextmanager
def running_sample(folder: Path) -> Iterator[Sample]:
    """Run it until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    environ = {
        "PYTHONPATH": str(PROJECT),
        "DIALTONE_WEB_CONSOLE": "yes",
    }
    program = [sys.executable, "-m", "tests.browser.sample_service"]
    service = Service(folder, environ, program=program)
    try:
        service.start()
        yield _fill(service)
    finally:
        service.stop()


def _fill(service: Service) -> Sample:
    _set_clock(service, timedelta(days=-2))
    users = {phone: sign_up(service, phone, name) for phone, name in USERNAMES.items()}
    items = []
    for number, phone in enumerate((*USERNAMES, MEMBER)):
        _set_clock(service, timedelta(minutes=17 * number - 180))
        items.append(upload_item(service, users[phone], _draw_image(number)))
    *_, blocked = USERNAMES
    _run(service, timedelta(days=-1), "promote", ADMINISTRATOR, "on call in July")
    _run(service, timedelta(hours=-2), "block", blocked, "ticket 815")
    _run(service, timedelta(hours=-1), "unblock", blocked, "ticket 815: was somebody else")
    _set_clock(service, timedelta())
    asyncio.run(_count(service))
    return Sample(service, users, items[-1]["id"])


async def _count(service: Service) -> None:
    """Write the numbers of a day."""
    clock = MovableClock(NOW - timedelta(hours=len(SENT_BY_HOUR) - 1))
    settings = read_settings(service.environ, None)
    async with open_use_cases(settings, clock=clock) as use_cases:
        statistics = use_cases.of(StatisticsFeature)
        for sent in SENT_BY_HOUR:
            for country, part in _PART_OF_COUNTRY.items():
                provider = "acme:open" if part > 3 else "twilio"
                share = sent // part
                delivered = share * 9 // 10
                for result, number in (
                    (Result.SENT, share),
                    (Result.DELIVERED, delivered),
                    (Result.UNDELIVERED, share - delivered),
                    (Result.LOGINS, share * 4 // 5),
                ):
                    group = CountedGroup(country, Channel.SMS, provider, result)
                    for sums in statistics.count.sums:
                        sums.add(clock.now(), group, number)
            rejected = CountedGroup("IN", Channel.SMS, NONE, Result.REJECTED, "per_ip")
            for sums in statistics.count.sums:
                sums.add(clock.now(), rejected, sent // 7)
            await statistics.write()
            clock.advance(timedelta(hours=1))


def _draw_image(number: int) -> bytes:
    image = Image.new("RGB", (640, 480), _COLORS[number % len(_COLORS)])
    draw = ImageDraw.Draw(image)
    draw.ellipse((220, 140, 420, 340), fill="#f4f6f8")
    draw.rectangle((0, 400, 640, 480), fill=_COLORS[(number + 1) % len(_COLORS)])
    file = BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def _run(service: Service, offset: timedelta, act: str, phone: str, reason: str) -> None:
    _set_clock(service, offset)
    ended = service.run("user", act, phone, "--reason", reason)
    assert ended.returncode == 0, ended.stderr


def _set_clock(service: Service, offset: timedelta) -> None:
    (service.folder / _CLOCK_FILE).write_text(str(offset.total_seconds()))


# The service process


class SampleClock(SystemClock):
    """A clock that stands still, where the test has set it."""

    def now(self) -> datetime:
        offset = float(_CLOCK_FILE.read_text()) if _CLOCK_FILE.exists() else 0.0
        return NOW + timedelta(seconds=offset)


class SampleRandomness(SeededRandomness):
    """The same ids in each run, and others for each command."""

    def __init__(self) -> None:
        super().__init__(int.from_bytes(" ".join(sys.argv[1:]).encode()))


if __name__ == "__main__":
    with (
        patch("adapters.operations.system.SystemClock", SampleClock),
        patch("adapters.operations.system.SystemRandomness", SampleRandomness),
    ):
        sys.exit(main())
