"""Both worlds, each with parts that can be taken away."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.relay import Relay
from tests.support.servers.s3_server import S3Server
from tests.support.service import Service, running

OWN_SENDER = """
from contextlib import asynccontextmanager
from pathlib import Path

from application.ports.messenger import DeliveryResult, DeliveryStatus


class Sender:
    async def send(self, phone, text):
        outcome = Path("outcome").read_text()
        if outcome == "accepted":
            with Path("texts").open("a") as texts:
                texts.write(f"{phone.e164} {text}\\n")
        reason = "" if outcome == "accepted" else "The line is down."
        return DeliveryResult(DeliveryStatus(outcome), reason)


@asynccontextmanager
async def open_sender(environ):
    yield Sender()
"""


@dataclass(frozen=True, slots=True)
class Fragile:
    """A service, and what takes its parts away."""

    service: Service
    break_database: Callable[[], None]
    break_media: Callable[[], None]
    refuse_messages: Callable[[], None]
    refuse_number: Callable[[], None]
    take_messages: Callable[[], None]


@contextmanager
def embedded(request: pytest.FixtureRequest, folder: Path) -> Iterator[Fragile]:
    """SQLite and a folder, which are removed, and a sender of the operator's own."""
    (folder / "own_sender.py").write_text(OWN_SENDER)
    texts, outcome = folder / "texts", folder / "outcome"
    texts.touch()
    outcome.write_text("accepted")

    def inbox(phone: str) -> list[str]:
        lines = (line.partition(" ") for line in texts.read_text().splitlines())
        return [text for number, _, text in lines if number == phone]

    environ = {"DIALTONE_SMS": "own_sender:open_sender", "DIALTONE_COUNTRIES": "*"}
    with running(folder, environ, inbox) as service:
        yield Fragile(
            service,
            break_database=(folder / "dialtone.db").unlink,
            break_media=lambda: shutil.rmtree(folder / "media"),
            refuse_messages=lambda: _write(outcome, "rejected"),
            refuse_number=lambda: _write(outcome, "invalid_number"),
            take_messages=lambda: _write(outcome, "accepted"),
        )


@contextmanager
def on_servers(request: pytest.FixtureRequest, folder: Path) -> Iterator[Fragile]:
    """MongoDB and S3 behind doors that can be shut, and what stands in for Twilio."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    s3: S3Server = request.getfixturevalue("s3_server")
    name = uuid.uuid4().hex
    with Relay(mongo_url) as mongo_door, Relay(s3.endpoint) as s3_door, FakeTwilio() as twilio:
        host = mongo_door.url.removeprefix("http://")
        environ = {
            "DIALTONE_DATABASE": (
                f"mongodb://{host}/e2e_{name}?directConnection=true&timeoutMS=1000"
            ),
            "DIALTONE_MEDIA": f"s3://{s3.bucket}/{name}",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            **s3.environ(),
            "DIALTONE_S3_ENDPOINT": s3_door.url,
            **twilio.environ,
        }
        usual = twilio.behaviour

        def answer(behaviour: Callable[..., None]) -> None:
            twilio.behaviour = behaviour

        def inbox(phone: str) -> list[str]:
            return [sent["Body"] for sent in twilio.messages if sent["To"] == phone]

        with running(folder, environ, inbox) as service:
            yield Fragile(
                service,
                break_database=mongo_door.shut,
                break_media=s3_door.shut,
                refuse_messages=lambda: answer(rejects(20003)),
                refuse_number=lambda: answer(rejects(21211)),
                take_messages=lambda: answer(usual),
            )


FRAGILE_WORLDS: tuple[
    Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Fragile]], ...
] = (embedded, on_servers)


def _write(file: Path, text: str) -> None:
    file.write_text(text)
