"""A messenger, with access to what its provider does."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from application.ports.otp import Messenger
from application.ports.system import HealthCheck
from application.ports.webhooks import SignedRequest
from tests.contract.suites.external_adapter import call_test_method, sign_by
from tests.contract.suites.promises import not_promised
from tests.contract.suites.provider_driver import ProviderDriver, list_sent


class CheckedMessenger(Messenger, HealthCheck, Protocol):
    """A messenger with a health check."""


class ReceivedMessage(NamedTuple):
    """A message as the provider got it, or its fields. The number is E.164, the text the whole one.

    A message without a URL for its status has an empty one.
    """

    number: str
    text: str
    status_url: str


class MessengerDriver(ProviderDriver):
    """A messenger, and access to what it sends to."""

    reports_references = False
    """Whether `sign_references` works: some providers report no reference."""
    has_own_texts = False
    """Whether its provider gets another text than that of the message, such as a template."""

    def __init__(self, messenger: CheckedMessenger) -> None:
        super().__init__(messenger)
        self.messenger = messenger
        self.reports_references = hasattr(messenger, "sign_references")
        self.has_own_texts = getattr(messenger, "has_own_texts", False)

    async def delivered(self) -> list[ReceivedMessage]:
        """Return all messages that the provider ever got, answered or not."""
        return await list_sent(self.adapter, "received", ReceivedMessage)

    async def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        await self._begin("invalidate_number")

    async def reject_message(self) -> None:
        """Make the provider reject every message because of its text."""
        await self._begin("reject_message")

    async def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        """Return a status callback of the provider, by default for a delivered message."""
        self._require("read_statuses")
        return await sign_by(self.adapter, "sign_status", url, body, signed_at)

    async def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        """Return a status callback of the provider for a message that was not delivered."""
        self._require("read_statuses")
        return await sign_by(self.adapter, "sign_undelivered", url, signed_at)

    async def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        """Return a status callback of the provider for a message that is on its way."""
        self._require("read_statuses")
        return await sign_by(self.adapter, "sign_sent", url, signed_at)

    async def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> Sequence[SignedRequest]:
        """Return what the provider posts when the messages with these references are delivered."""
        self._require("read_statuses")
        signed = await call_test_method(self.adapter, "sign_references", url, references, signed_at)
        return signed if isinstance(signed, Sequence) else [signed]

    async def make_handshake(
        self, url: str, *, is_forged: bool = False
    ) -> tuple[SignedRequest, str]:
        """Return a handshake, and the text that is expected; by default that of the provider.

        Who forges one does not know the secret.
        """
        self._require("answer_handshake")
        request, text = await call_test_method(self.adapter, "make_handshake", url, is_forged)
        return request, text

    def _require(self, method: str) -> None:
        if not hasattr(self.messenger, method):
            not_promised(f"it has no {method}()")
