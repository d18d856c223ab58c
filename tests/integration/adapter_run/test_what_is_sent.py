"""What a provider cannot be, and what a store itself serves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from application.features.media.ports import MediaUrl
from tests.contract.examples.event_file import EventFile
from tests.contract.suites.events.driver import EventsDriver
from tests.contract.suites.media import test_media_files as media
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.servers.http_server import Exchange, HttpServer

KEEPS_TYPE = media.test_a_file_keeps_its_content_type
NOT_ASKED: Any = None
"""The store, which is asked for no type: the server shows it."""


async def test_what_a_provider_cannot_be_is_unproven(tmp_path: Path) -> None:
    driver = EventsDriver(EventFile(tmp_path / "events"))

    with pytest.raises(pytest.skip.Exception, match=r'no helper provider_is\("silent"\)'):
        await driver.provider_is("silent")


class ServedFiles(InMemoryFiles):
    """A store whose own server serves its files."""

    def __init__(self, type_of: Callable[[str], str]) -> None:
        super().__init__()
        self.server = HttpServer(self._serve)
        self._type_of = type_of

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        await super().write(storage_key, content, self._type_of(content_type))

    async def url_for(self, storage_key: str) -> MediaUrl:
        return MediaUrl(f"{self.server.url}/{storage_key}")

    def _serve(self, exchange: Exchange) -> None:
        key = exchange.received.path.removeprefix("/")
        exchange.respond(200, self.contents[key], {"Content-Type": self.content_types[key]})


async def test_a_store_that_serves_files_does_so_with_their_content_type() -> None:
    right, wrong = ServedFiles(str), ServedFiles(lambda _: "application/octet-stream")
    with right.server, wrong.server:
        await KEEPS_TYPE(NOT_ASKED, right)
        with pytest.raises(AssertionError, match="image/jpeg is a 'application/octet-stream'"):
            await KEEPS_TYPE(NOT_ASKED, wrong)
