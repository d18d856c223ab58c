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
from tests.contract.suites.external_adapter import TestMethodFailed, call_test_method
from tests.contract.suites.provider_driver import ExternalProviderDriver, ProviderDriver, list_sent


class PlacedCall(NamedTuple):
    """A request for a call as the provider got it, or its fields: the two URLs of `place_call`."""

    number: str
    url: str
    status_url: str


class CallsDriver(ProviderDriver):
    """A call provider, and access to what it does."""

    calls: CallProvider

    async def placed(self) -> list[PlacedCall]:
        """Return all requests for a call that the provider ever got, answered or not."""
        raise NotImplementedError

    async def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        raise NotImplementedError

    async def add_recording(self, content: bytes) -> str:
        """Add a recording and return its id."""
        raise NotImplementedError


class ExternalCallsDriver(ExternalProviderDriver, CallsDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    def __init__(self, calls: CallProvider) -> None:
        super().__init__(calls)
        self.calls = calls

    async def placed(self) -> list[PlacedCall]:
        return await list_sent(self.calls, "placed_calls", PlacedCall)

    async def invalidate_number(self) -> None:
        await self._begin("invalidate_number")

    async def add_recording(self, content: bytes) -> str:
        recording_id: str = await call_test_method(self.calls, "add_recording", content)
        return recording_id


class VoiceDriver:
    """The ports of a provider, and what the provider does itself."""

    def __init__(
        self, signatures: WebhookSignatures, parser: WebhookParser, markup: CallMarkup
    ) -> None:
        self.signatures = signatures
        self.parser = parser
        self.markup = markup

    async def sign(
        self, url: str, body: bytes | None = None, signed_at: datetime | None = None
    ) -> SignedRequest:
        """Return a request as the provider posts it, by default about a call and now."""
        raise NotImplementedError

    async def sign_call(
        self, url: str, caller: str, called: str, digits: str
    ) -> tuple[str, SignedRequest]:
        """Return the id of a new call, and a request that digits were pressed in it."""
        raise NotImplementedError

    async def sign_call_status(self, url: str, status: CallStatus) -> SignedRequest:
        """Return a request that a call has this status."""
        raise NotImplementedError

    async def dialed(self, markup: str) -> list[tuple[str, str]]:
        """Return the number and the caller id of each phone that a document connects."""
        raise NotImplementedError

    async def said(self, markup: str) -> list[str]:
        """Return the texts that a document says, in order."""
        raise NotImplementedError

    async def is_answered(self, markup: str) -> bool:
        """Return whether the provider answers a call for which it gets this document first."""
        raise NotImplementedError


class ExternalVoiceDriver(VoiceDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    def __init__(self, adapter: Any) -> None:
        super().__init__(adapter, adapter, adapter)
        self.adapter = adapter

    async def sign(
        self, url: str, body: bytes | None = None, signed_at: datetime | None = None
    ) -> SignedRequest:
        signed_at = signed_at or datetime.now(UTC)
        signed = await call_test_method(self.adapter, "sign_webhook", url, body, signed_at)
        return _expect_request(signed, "sign_webhook")

    async def sign_call(
        self, url: str, caller: str, called: str, digits: str
    ) -> tuple[str, SignedRequest]:
        call = (caller, called, digits)
        call_id, signed = await call_test_method(self.adapter, "sign_call", url, *call)
        return call_id, _expect_request(signed, "sign_call")

    async def sign_call_status(self, url: str, status: CallStatus) -> SignedRequest:
        signed = await call_test_method(self.adapter, "sign_call_status", url, status)
        return _expect_request(signed, "sign_call_status")

    async def dialed(self, markup: str) -> list[tuple[str, str]]:
        dialed = await call_test_method(self.adapter, "dialed", markup)
        return [(number, caller_id) for number, caller_id in dialed]

    async def said(self, markup: str) -> list[str]:
        said: list[str] = await call_test_method(self.adapter, "said", markup)
        return said

    async def is_answered(self, markup: str) -> bool:
        is_answered: bool = await call_test_method(self.adapter, "is_answered", markup)
        return is_answered


def _expect_request(signed: Any, method: str) -> SignedRequest:
    if not isinstance(signed, SignedRequest):
        raise TestMethodFailed(f"{method}() returned {signed!r} instead of a SignedRequest")
    return signed
