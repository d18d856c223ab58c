"""Both deployments, with parts that a test can make unavailable."""

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
class BreakableService:
    """A service, and functions that make its parts unavailable."""

    service: Service
    break_database: Callable[[], None]
    break_media: Callable[[], None]
    reject_messages: Callable[[], None]
    reject_number: Callable[[], None]
    accept_messages: Callable[[], None]


@contextmanager
def embedded(request: pytest.FixtureRequest, folder: Path) -> Iterator[BreakableService]:
    """SQLite and disk, whose files are removed, and a custom messenger."""
    (folder / "own_sender.py").write_text(OWN_SENDER)
    texts, outcome = folder / "texts", folder / "outcome"
    texts.touch()
    outcome.write_text("accepted")

    def inbox(phone: str) -> list[str]:
        lines = (line.partition(" ") for line in texts.read_text().splitlines())
        return [text for number, _, text in lines if number == phone]

    environ = {"DIALTONE_SMS": "own_sender:open_sender", "DIALTONE_COUNTRIES": "*"}
    with running(folder, environ, inbox) as service:
        yield BreakableService(
            service,
            break_database=(folder / "dialtone.db").unlink,
            break_media=lambda: shutil.rmtree(folder / "media"),
            reject_messages=lambda: _write(outcome, "rejected"),
            reject_number=lambda: _write(outcome, "invalid_number"),
            accept_messages=lambda: _write(outcome, "accepted"),
        )


@contextmanager
def on_servers(request: pytest.FixtureRequest, folder: Path) -> Iterator[BreakableService]:
    """MongoDB and S3 behind relays that can be shut, and a stand-in for Twilio."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    s3: S3Server = request.getfixturevalue("s3_server")
    name = uuid.uuid4().hex
    with Relay(mongo_url) as mongo_relay, Relay(s3.endpoint) as s3_relay, FakeTwilio() as twilio:
        host = mongo_relay.url.removeprefix("http://")
        environ = {
            "DIALTONE_DATABASE": (
                f"mongodb://{host}/e2e_{name}?directConnection=true&timeoutMS=1000"
            ),
            "DIALTONE_MEDIA": f"s3://{s3.bucket}/{name}",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            **s3.environ(),
            "DIALTONE_S3_ENDPOINT": s3_relay.url,
            **twilio.environ,
        }
        accept = twilio.behaviour

        def set_behaviour(behaviour: Callable[..., None]) -> None:
            twilio.behaviour = behaviour

        def inbox(phone: str) -> list[str]:
            return [message["Body"] for message in twilio.messages if message["To"] == phone]

        with running(folder, environ, inbox) as service:
            yield BreakableService(
                service,
                break_database=mongo_relay.shut,
                break_media=s3_relay.shut,
                reject_messages=lambda: set_behaviour(rejects(20003)),
                reject_number=lambda: set_behaviour(rejects(21211)),
                accept_messages=lambda: set_behaviour(accept),
            )


BREAKABLE_DEPLOYMENTS: tuple[
    Callable[[pytest.FixtureRequest, Path], AbstractContextManager[BreakableService]], ...
] = (embedded, on_servers)


def _write(file: Path, text: str) -> None:
    file.write_text(text)
