"""Both deployments, with parts that a test can make unavailable."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.s3_server import S3Server
from tests.support.servers.tcp_proxy import TcpProxy
from tests.support.service import Service, running

OWN_MESSENGER = """
from contextlib import asynccontextmanager
from pathlib import Path

from application.ports.messenger import DeliveryResult, DeliveryStatus


class OwnMessenger:
    async def send(self, phone, text):
        status = Path("status").read_text()
        if status == "accepted":
            with Path("messages").open("a") as messages:
                messages.write(f"{phone.e164} {text}\\n")
        reason = "" if status == "accepted" else "The line is down."
        return DeliveryResult(DeliveryStatus(status), reason)


@asynccontextmanager
async def open_messenger(environ):
    yield OwnMessenger()
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
    (folder / "own_messenger.py").write_text(OWN_MESSENGER)
    messages, status = folder / "messages", folder / "status"
    messages.touch()
    status.write_text("accepted")

    def inbox(phone: str) -> list[str]:
        lines = (line.partition(" ") for line in messages.read_text().splitlines())
        return [text for number, _, text in lines if number == phone]

    environ = {"DIALTONE_SMS": "own_messenger:open_messenger", "DIALTONE_COUNTRIES": "*"}
    with running(folder, environ, inbox) as service:
        yield BreakableService(
            service,
            break_database=(folder / "dialtone.db").unlink,
            break_media=lambda: shutil.rmtree(folder / "media"),
            reject_messages=lambda: _write(status, "rejected"),
            reject_number=lambda: _write(status, "invalid_number"),
            accept_messages=lambda: _write(status, "accepted"),
        )


@contextmanager
def on_servers(request: pytest.FixtureRequest, folder: Path) -> Iterator[BreakableService]:
    """MongoDB and S3 behind proxies that can be closed, and a fake Twilio."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    s3: S3Server = request.getfixturevalue("s3_server")
    name = uuid.uuid4().hex
    with (
        TcpProxy(mongo_url) as mongo_proxy,
        TcpProxy(s3.endpoint) as s3_proxy,
        FakeTwilio() as twilio,
    ):
        host = mongo_proxy.url.removeprefix("http://")
        environ = {
            "DIALTONE_DATABASE": (
                f"mongodb://{host}/e2e_{name}?directConnection=true&timeoutMS=1000"
            ),
            "DIALTONE_MEDIA": f"s3://{s3.bucket}/{name}",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            **s3.environ(),
            "DIALTONE_S3_ENDPOINT": s3_proxy.url,
            **twilio.environ,
        }
        accept = twilio.behavior

        def set_behavior(behavior: Callable[..., None]) -> None:
            twilio.behavior = behavior

        def inbox(phone: str) -> list[str]:
            return [message["Body"] for message in twilio.messages if message["To"] == phone]

        with running(folder, environ, inbox) as service:
            yield BreakableService(
                service,
                break_database=mongo_proxy.close,
                break_media=s3_proxy.close,
                reject_messages=lambda: set_behavior(rejects(20003)),
                reject_number=lambda: set_behavior(rejects(21211)),
                accept_messages=lambda: set_behavior(accept),
            )


BREAKABLE_DEPLOYMENTS: tuple[
    Callable[[pytest.FixtureRequest, Path], AbstractContextManager[BreakableService]], ...
] = (embedded, on_servers)


def _write(file: Path, text: str) -> None:
    file.write_text(text)
