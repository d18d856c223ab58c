"""The parts of a phone line, with access to what their provider does."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from application.features.voice.ports import (
    CallMarkup,
    CallProvider,
    WebhookParser,
    WebhookSignatures,
)
from application.ports.webhooks import SignedRequest
from domain.features.voice.call import CallStatus
from tests.contract.suites.external_adapter import call_test_method, sign_by
from tests.contract.suites.provider_driver import ProviderDriver, list_sent


class PlacedCall(NamedTuple):
    """A request for a call as the provider got it, or its fields: the two URLs of `place_call`."""

    number: str
    url: str
    status_url: str


class CallsDriver(ProviderDriver):
    """A call provider, and access to what it does."""

    def __init__(self, calls: CallProvider) -> None:
        super().__init__(calls)
        self.calls = calls

    async def placed(self) -> list[PlacedCall]:
        """Return all requests for a call that the provider ever got, answered or not."""
        return await list_sent(self.adapter, "placed_calls", PlacedCall)

    async def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        await self._begin("invalidate_number")

    async def add_recording(self, content: bytes) -> str:
        """Add a recording and return its id."""
        return str(await call_test_method(self.adapter, "add_recording", content))


class VoiceDriver(ProviderDriver):
    """The signatures, the parser and the markup of a provider, and what the provider does."""

    def __init__(self, adapter: Any) -> None:
        super().__init__(adapter)
        self.signatures: WebhookSignatures = adapter
        self.parser: WebhookParser = adapter
        self.markup: CallMarkup = adapter

    async def sign(
        self, url: str, body: bytes | None = None, signed_at: datetime | None = None
    ) -> SignedRequest:
        """Return a request as the provider posts it, by default about a call and now."""
        return await sign_by(
            self.adapter, "sign_webhook", url, body, signed_at or datetime.now(UTC)
        )

    async def sign_call(
        self, url: str, caller: str, called: str, digits: str
    ) -> tuple[str, SignedRequest]:
        """Return the id of a new call, and a request that digits were pressed in it."""
        call = (caller, called, digits)
        call_id, signed = await call_test_method(self.adapter, "sign_call", url, *call)
        return call_id, signed

    async def sign_call_status(self, url: str, status: CallStatus) -> SignedRequest:
        """Return a request that a call has this status."""
        return await sign_by(self.adapter, "sign_call_status", url, status)

    async def dialed(self, markup: str) -> list[tuple[str, str]]:
        """Return the number and the caller id of each phone that a document connects."""
        dialed = await call_test_method(self.adapter, "dialed", markup)
        return [(number, caller_id) for number, caller_id in dialed]

    async def said(self, markup: str) -> list[str]:
        """Return the texts that a document says, in order."""
        return list(await call_test_method(self.adapter, "said", markup))

    async def is_answered(self, markup: str) -> bool:
        """Return whether the provider answers a call for which it gets this document first."""
        return bool(await call_test_method(self.adapter, "is_answered", markup))
