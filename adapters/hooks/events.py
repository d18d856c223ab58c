"""Post events to a URL: the requests of docs/hooks.md."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec

from adapters.shared.http import ConnectionFailed, NoResponse, Timeouts, Transport, open_transport
from adapters.shared.standard_webhooks import StandardWebhooks
from application.features.events.send_events import Event, EventRejected

TIMEOUTS: Final = Timeouts(connect=2.0, read=5.0, total=5.0, pool=0.5)


class _Body(msgspec.Struct):
    id: str
    type: str
    time: str
    user_id: str
    phone: str | msgspec.UnsetType = msgspec.UNSET


class HttpDestination:
    """Post each event, signed. Any 2xx accepts it, and nothing else does."""

    def __init__(self, url: str, secrets: Sequence[str], transport: Transport) -> None:
        self._url = url
        self._webhooks = StandardWebhooks(secrets)
        self._transport = transport

    async def send(self, event: Event) -> None:
        # What the response says beside its status is dropped.
        body = msgspec.json.encode(_to_body(event))
        signature = self._webhooks.sign(event.id, body, datetime.now(UTC))
        headers = {"Content-Type": "application/json", **signature}
        try:
            response = await self._transport.request(
                "POST", self._url, content=body, headers=headers
            )
        except ConnectionFailed as error:
            raise EventRejected(f"no connection ({error.reason})", error.details) from None
        except NoResponse as error:
            raise EventRejected("no response", error.details) from None
        if not 200 <= response.status < 300:
            is_redirect = 300 <= response.status < 400
            note = ": redirects are not followed" if is_redirect else ""
            raise EventRejected(f"status {response.status}{note}")


def _to_body(event: Event) -> _Body:
    # As in the API: milliseconds, and Z for UTC.
    time = event.occurred_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return _Body(
        id=event.id,
        type=event.type.value,
        time=time.replace("+00:00", "Z"),
        user_id=event.user_id,
        phone=event.phone or msgspec.UNSET,
    )


@asynccontextmanager
async def open_http_destination(
    url: str, secrets: Sequence[str], *, timeouts: Timeouts = TIMEOUTS
) -> AsyncIterator[HttpDestination]:
    """Open a destination, without a request. It keeps connections until the block ends."""
    async with open_transport(timeouts) as transport:
        yield HttpDestination(url, secrets, transport)
