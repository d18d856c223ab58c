"""The journal as a URL, which gets each line in a request of its own."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from adapters.http import ConnectionFailed, NoResponse, Timeouts, Transport, open_transport
from adapters.standard_webhooks import StandardWebhooks
from application.ports.journal import JournalUnavailable

TIMEOUTS: Final = Timeouts(connect=2.0, read=4.0, total=4.5, pool=0.5)
_ID_LENGTH: Final = 32


class HttpJournal:
    """Post each line, signed. Any 2xx says that it is stored, and nothing else does.

    A line that is sent again has the same id.
    """

    def __init__(self, url: str, secrets: Sequence[str], transport: Transport) -> None:
        """Post to a URL; the secrets sign lines."""
        self._url = url
        self._webhooks = StandardWebhooks(secrets)
        self._transport = transport

    async def write(self, line: str) -> None:
        body = line.encode()
        line_id = f"journal_{hashlib.sha256(body).hexdigest()[:_ID_LENGTH]}"
        headers = {
            "Content-Type": "application/json",
            **self._webhooks.sign(line_id, body, datetime.now(UTC)),
        }
        try:
            response = await self._transport.request(
                "POST", self._url, content=body, headers=headers
            )
        except ConnectionFailed as error:
            reason = f"no connection ({error.reason})"
            raise JournalUnavailable(reason, error.details) from None
        except NoResponse as error:
            raise JournalUnavailable("no response", error.details) from None
        if not 200 <= response.status < 300:
            raise JournalUnavailable(f"status {response.status}")


@asynccontextmanager
async def open_http_journal(
    url: str, secrets: Sequence[str], *, timeouts: Timeouts = TIMEOUTS
) -> AsyncIterator[HttpJournal]:
    """Open a journal, which keeps connections until the block ends. Opening sends no request."""
    async with open_transport(timeouts) as transport:
        yield HttpJournal(url, secrets, transport)
