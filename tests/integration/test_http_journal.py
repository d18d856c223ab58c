"""The journal as a URL."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest
from standardwebhooks import Webhook

from adapters.journal.http_journal import HttpJournal, open_http_journal
from application.ports.journal import JournalUnavailable
from tests.support.servers.fake_receiver import SECRET
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.servers.process import free_ports
from tests.support.timeouts import LONG

LINE: Final = '{"time": "2026-05-01T09:30:00.123Z", "action": "delete", "id": "1"}'


class Receiver(HttpServer):
    """Keeps the lines whose signature is valid, with their ids."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.status = 204
        self.lines: list[tuple[str, str]] = []

    def answer(self, exchange: Exchange) -> None:
        request = exchange.received
        headers = {name.lower(): value for name, value in request.headers.items()}
        Webhook(SECRET).verify(request.body, headers)
        self.lines.append((headers["webhook-id"], request.body.decode()))
        exchange.respond(self.status)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def journal(receiver: Receiver) -> AsyncIterator[HttpJournal]:
    async with open_http_journal(f"{receiver.url}/lines", [SECRET], timeouts=LONG) as journal:
        yield journal


async def test_a_line_is_posted_and_signed_and_has_one_id(
    receiver: Receiver, journal: HttpJournal
) -> None:
    await journal.write(LINE)
    await journal.write(LINE)
    await journal.write("{}")

    assert [line for _, line in receiver.lines] == [LINE, LINE, "{}"]
    ids = [line_id for line_id, _ in receiver.lines]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("status", [302, 503])
async def test_only_a_2xx_stores_a_line(
    receiver: Receiver, journal: HttpJournal, status: int
) -> None:
    receiver.status = status
    with pytest.raises(JournalUnavailable, match=f"status {status}"):
        await journal.write(LINE)


async def test_without_a_connection_it_is_not_written() -> None:
    (port,) = free_ports(1)
    async with open_http_journal(f"http://127.0.0.1:{port}", [SECRET], timeouts=LONG) as journal:
        with pytest.raises(JournalUnavailable, match="no connection"):
            await journal.write(LINE)
