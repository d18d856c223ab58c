"""The parts of a phone line, with access to what their provider does."""

from typing import Any

import pytest

from application.ports.voice import CallMarkup, CallProvider, WebhookParser, WebhookSignatures
from application.ports.webhooks import SignedRequest
from pytest_dialtone.external_adapter import TestMethodFailed, call_test_method


class CallsDriver:
    """A call provider, and access to what it does."""

    def __init__(self, calls: CallProvider) -> None:
        self.calls = calls

    async def placed(self) -> str:
        """Return all placed calls with their numbers and URLs, in their order."""
        raise NotImplementedError

    async def break_provider(self) -> None:
        """Make the provider unavailable."""
        raise NotImplementedError

    def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        raise NotImplementedError

    async def add_recording(self, content: bytes) -> str:
        """Add a recording and return its id."""
        raise NotImplementedError


class ExternalCallsDriver(CallsDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    async def placed(self) -> str:
        placed = await call_test_method(self.calls, "placed_calls")
        return "\n".join(" ".join(call) for call in placed)

    async def break_provider(self) -> None:
        await call_test_method(self.calls, "break_provider")

    def invalidate_number(self) -> None:
        pytest.skip("its provider cannot be changed from outside")

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

    async def sign(self, url: str, body: bytes | None = None) -> SignedRequest:
        """Return a request as the provider posts it, by default about a call."""
        raise NotImplementedError

    async def said(self, markup: str) -> list[str]:
        """Return the texts that a document says, in order."""
        raise NotImplementedError


class ExternalVoiceDriver(VoiceDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    def __init__(self, adapter: Any) -> None:
        super().__init__(adapter, adapter, adapter)
        self.adapter = adapter

    async def sign(self, url: str, body: bytes | None = None) -> SignedRequest:
        signed = await call_test_method(self.adapter, "sign_webhook", url, body)
        if not isinstance(signed, SignedRequest):
            raise TestMethodFailed(f"sign_webhook() returned {signed!r} instead of a SignedRequest")
        return signed

    async def said(self, markup: str) -> list[str]:
        said: list[str] = await call_test_method(self.adapter, "said", markup)
        return said
