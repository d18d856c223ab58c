"""Both deployments, with parts that a test can make unavailable."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from application.ports.messenger import DeliveryStatus
from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import TcpProxy
from tests.support.servers.s3 import S3Server
from tests.support.service import Service, running


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
    messenger = OwnMessenger(folder).install()
    environ = {"DIALTONE_SMS": OWN_FACTORY, "DIALTONE_COUNTRIES": "*"}
    with running(folder, environ, messenger.inbox) as service:
        yield BreakableService(
            service,
            break_database=(folder / "dialtone.db").unlink,
            break_media=lambda: shutil.rmtree(folder / "media"),
            reject_messages=lambda: messenger.set_status(DeliveryStatus.REJECTED),
            reject_number=lambda: messenger.set_status(DeliveryStatus.INVALID_NUMBER),
            accept_messages=lambda: messenger.set_status(DeliveryStatus.ACCEPTED),
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
