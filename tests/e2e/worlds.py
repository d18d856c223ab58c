"""The two worlds that the same promises are kept in."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.s3_server import S3Server
from tests.support.service import Inbox, Service, running

World = Callable[[pytest.FixtureRequest, Path, Mapping[str, str]], AbstractContextManager[Service]]
"""Its last argument has settings besides those of the world itself."""

NO_MORE: Final[Mapping[str, str]] = MappingProxyType({})


def embedded(
    request: pytest.FixtureRequest, folder: Path, environ: Mapping[str, str]
) -> AbstractContextManager[Service]:
    """SQLite, a folder and the console."""
    return running(folder, environ)


@contextmanager
def on_servers(
    request: pytest.FixtureRequest, folder: Path, environ: Mapping[str, str]
) -> Iterator[Service]:
    """MongoDB, S3 and what stands in for Twilio."""
    with (
        servers(request) as (settings, inbox),
        running(folder, {**settings, **environ}, inbox) as service,
    ):
        yield service


@contextmanager
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, str], Inbox]]:
    """The settings of a service on servers, with places there of its own, and where texts go."""
    mongo_url: str = request.getfixturevalue("mongo_url")
    s3_server: S3Server = request.getfixturevalue("s3_server")
    name = uuid.uuid4().hex
    server, question, options = mongo_url.partition("?")
    with FakeTwilio() as twilio:
        settings = {
            "DIALTONE_DATABASE": f"{server.rstrip('/')}/e2e_{name}{question}{options}",
            "DIALTONE_MEDIA": f"s3://{s3_server.bucket}/{name}",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            **s3_server.environ(),
            **twilio.environ,
        }

        def inbox(phone: str) -> list[str]:
            return [sent["Body"] for sent in twilio.messages if sent["To"] == phone]

        yield settings, inbox


WORLDS: tuple[World, ...] = (embedded, on_servers)
