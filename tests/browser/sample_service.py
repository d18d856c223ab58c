"""A service with users, pictures and numbers, for what people see of it."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from domain.features.statistics import NONE, CountedGroup, CountedPrefix, Result
from domain.otp.delivery import Channel
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.statistics import STATISTICS
from tests.support.client import Account, sign_up, upload_item
from tests.support.fakes.clock import MovableClock
from tests.support.service import REASON, ForkedService, Service

PROJECT: Final = Path(__file__).parents[2]
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
def running_console(
    folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[ForkedService]:
    """Run a service with a host name until the end of the block: no passkey belongs to an IP."""
    service = ForkedService(folder, {"DIALTONE_WEB_CONSOLE": "yes", **(environ or {})})
    service.url = service.settings["DIALTONE_PUBLIC_URL"] = f"http://localhost:{service.port}"
    try:
        yield service.start()
    finally:
        service.stop()


@contextmanager
def running_sample(folder: Path) -> Iterator[Sample]:
    """Run it until the end of the block."""
    with running_console(folder) as service:
        yield _fill(service)


def _fill(service: ForkedService) -> Sample:
    users = {phone: sign_up(service, phone, name) for phone, name in USERNAMES.items()}
    phones = [*USERNAMES, MEMBER]
    items = [
        upload_item(service, users[phone], _draw_image(number))
        for number, phone in enumerate(phones)
    ]
    *_, blocked = USERNAMES
    for act, phone, reason in (
        ("promote", ADMINISTRATOR, "on call in July"),
        ("block", blocked, "ticket 815"),
        ("unblock", blocked, "ticket 815: was somebody else"),
    ):
        ended = service.run("user", act, phone, "--reason", reason)
        assert ended.returncode == 0, ended.stderr
    added = service.run("block", "add", "--country", "KP", "--for", "2h", *REASON)
    assert added.returncode == 0, added.stderr
    asyncio.run(_count(service))
    return Sample(service, users, items[-1]["id"])


async def _count(service: Service) -> None:
    """Write the numbers of the last day."""
    clock = MovableClock(datetime.now(UTC) - timedelta(hours=len(SENT_BY_HOUR) - 1))
    settings = read_settings(service.environ, None)
    async with open_use_cases(settings, clock=clock) as use_cases:
        statistics = STATISTICS.of(use_cases)
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
            statistics.count.prefixes.add(clock.now(), CountedPrefix("+91987", Result.SENT), sent)
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
