"""A messenger and the parts of a phone line, with access to what their providers do."""

from typing import Any, Protocol

import pytest

from application.ports.attestation import Attestation, AttestationChallenge
from application.ports.events import EventDestination
from application.ports.otp import Messenger
from application.ports.system import HealthCheck
from application.ports.voice import (
    CallMarkup,
    CallProvider,
    SignedRequest,
    WebhookParser,
    WebhookSignatures,
)
from entrypoints.contract_tests.external_adapter import TestMethodFailed, call_test_method


class CheckedMessenger(Messenger, HealthCheck, Protocol):
    """A messenger with a health check."""


class MessengerDriver:
    """A messenger, and access to what it sends to."""

    def __init__(self, messenger: CheckedMessenger) -> None:
        self.messenger = messenger

    async def delivered(self) -> str:
        """Return all messages with their numbers, in their order."""
        raise NotImplementedError

    async def break_provider(self) -> None:
        """Make the provider unavailable."""
        raise NotImplementedError

    def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        raise NotImplementedError

    async def sign_status(self, url: str, body: bytes | None) -> SignedRequest:
        """Return a status callback of the provider, by default for a delivered message."""
        raise NotImplementedError


class ExternalMessengerDriver(MessengerDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    async def delivered(self) -> str:
        received = await call_test_method(self.messenger, "received")
        try:
            return "\n".join(f"{number} {text}" for number, text in received)
        except (TypeError, ValueError) as error:
            raise TestMethodFailed(
                f"received() returned {received!r} instead of pairs of number and text"
            ) from error

    async def break_provider(self) -> None:
        await call_test_method(self.messenger, "break_provider")

    def invalidate_number(self) -> None:
        pytest.skip("its provider cannot be changed from outside")

    async def sign_status(self, url: str, body: bytes | None) -> SignedRequest:
        if not hasattr(self.messenger, "read_status"):
            pytest.skip("it has no read_status()")
        signed = await call_test_method(self.messenger, "sign_status", url, body)
        if not isinstance(signed, SignedRequest):
            raise TestMethodFailed(f"sign_status() returned {signed!r} instead of a SignedRequest")
        return signed


class EventsDriver:
    """A destination of events, and access to what it sends to."""

    def __init__(self, destination: EventDestination) -> None:
        self.destination = destination

    async def received(self) -> list[str]:
        """Return the ids of all events, in their order."""
        raise NotImplementedError

    async def break_receiver(self) -> None:
        """Make the receiver unavailable."""
        raise NotImplementedError


class ExternalEventsDriver(EventsDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    async def received(self) -> list[str]:
        return list(await call_test_method(self.destination, "received"))

    async def break_receiver(self) -> None:
        await call_test_method(self.destination, "break_provider")


class AttestationDriver:
    """What asks clients for a proof, and what a client does."""

    def __init__(self, attestation: Attestation) -> None:
        self.attestation = attestation

    async def solve(self, challenge: AttestationChallenge) -> str:
        """Return a response that is valid for a challenge."""
        raise NotImplementedError

    async def break_provider(self) -> None:
        """Make the provider unavailable."""
        raise NotImplementedError


class ExternalAttestationDriver(AttestationDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    async def solve(self, challenge: AttestationChallenge) -> str:
        response: str = await call_test_method(self.attestation, "solve", challenge)
        return response

    async def break_provider(self) -> None:
        await call_test_method(self.attestation, "break_provider")


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
