"""A messenger, with access to what its provider does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from application.ports.otp import Messenger
from application.ports.system import HealthCheck
from application.ports.webhooks import SignedRequest
from tests.contract.suites.external_adapter import TestMethodFailed, call_test_method
from tests.contract.suites.promises import not_promised
from tests.contract.suites.provider_driver import ExternalProviderDriver, ProviderDriver, list_sent


class CheckedMessenger(Messenger, HealthCheck, Protocol):
    """A messenger with a health check."""


class ReceivedMessage(NamedTuple):
    """A message as the provider got it, or its fields. The number is E.164, the text the whole one.

    A message without a URL for its status has an empty one; of a pair nobody knows it.
    """

    number: str
    text: str
    status_url: str | None = None


class MessengerDriver(ProviderDriver):
    """A messenger, and access to what it sends to."""

    messenger: CheckedMessenger
    reports_references = False
    """Whether `sign_references` works: some providers report no reference."""

    async def delivered(self) -> list[ReceivedMessage]:
        """Return all messages that the provider ever got, answered or not."""
        raise NotImplementedError

    async def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        raise NotImplementedError

    async def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        """Return a status callback of the provider, by default for a delivered message."""
        raise NotImplementedError

    async def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        """Return a status callback of the provider for a message that was not delivered."""
        raise NotImplementedError

    async def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        """Return a status callback of the provider for a message that is on its way."""
        raise NotImplementedError

    async def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> Sequence[SignedRequest]:
        """Return what the provider posts when the messages with these references are delivered."""
        raise NotImplementedError

    async def make_handshake(
        self, url: str, *, is_forged: bool = False
    ) -> tuple[SignedRequest, str]:
        """Return a handshake, and the text that is expected; by default that of the provider.

        Who forges one does not know the secret.
        """
        raise NotImplementedError


class ExternalMessengerDriver(ExternalProviderDriver, MessengerDriver):
    """An external adapter. It may have methods for tests, see docs/adapters.md."""

    def __init__(self, messenger: CheckedMessenger) -> None:
        super().__init__(messenger)
        self.messenger = messenger
        self.reports_references = hasattr(messenger, "sign_references")

    async def delivered(self) -> list[ReceivedMessage]:
        return await list_sent(self.messenger, "received", ReceivedMessage)

    async def invalidate_number(self) -> None:
        await self._begin("invalidate_number")

    async def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        self._require("read_statuses")
        signed = await call_test_method(self.messenger, "sign_status", url, body, signed_at)
        return _expect_request(signed, "sign_status")

    async def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        self._require("read_statuses")
        name = "sign_undelivered"
        return _expect_request(await call_test_method(self.messenger, name, url, signed_at), name)

    async def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        self._require("read_statuses")
        signed = await call_test_method(self.messenger, "sign_sent", url, signed_at)
        return _expect_request(signed, "sign_sent")

    async def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> Sequence[SignedRequest]:
        self._require("read_statuses")
        name = "sign_references"
        signed = await call_test_method(self.messenger, name, url, references, signed_at)
        requests = signed if isinstance(signed, Sequence) else [signed]
        return [_expect_request(request, name) for request in requests]

    async def make_handshake(
        self, url: str, *, is_forged: bool = False
    ) -> tuple[SignedRequest, str]:
        self._require("answer_handshake")
        request, text = await call_test_method(self.messenger, "make_handshake", url, is_forged)
        return _expect_request(request, "make_handshake"), text

    def _require(self, method: str) -> None:
        if not hasattr(self.messenger, method):
            not_promised(f"it has no {method}()")


def _expect_request(signed: Any, method: str) -> SignedRequest:
    if not isinstance(signed, SignedRequest):
        raise TestMethodFailed(f"{method}() returned {signed!r} instead of a SignedRequest")
    return signed
