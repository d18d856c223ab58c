"""The two worlds that the same promises are kept in."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.servers.s3_server import S3Server
from tests.servers.twilio_stand_in import TwilioStandIn
from tests.service import Service, running

World = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Service]]


def embedded(request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[Service]:
    """SQLite, a folder and the console."""
    return running(folder)


@contextmanager
def on_servers(request: pytest.FixtureRequest, folder: Path) -> Iterator[Service]:
    """MongoDB, S3 and what stands in for Twilio."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    s3_server: S3Server = request.getfixturevalue("s3_server")
    name = uuid.uuid4().hex
    server, question, options = mongo_url.partition("?")
    with TwilioStandIn() as twilio:
        environ = {
            "DIALTONE_DATABASE": f"{server.rstrip('/')}/e2e_{name}{question}{options}",
            "DIALTONE_MEDIA": f"s3://{s3_server.bucket}/{name}",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            **s3_server.environ(),
            **twilio.environ,
        }

        def inbox(phone: str) -> list[str]:
            return [sent["Body"] for sent in twilio.messages if sent["To"] == phone]

        with running(folder, environ, inbox) as service:
            yield service


WORLDS: tuple[World, ...] = (embedded, on_servers)
