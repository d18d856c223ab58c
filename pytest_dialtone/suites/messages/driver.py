"""A messenger, with access to what its provider does."""

from typing import Protocol

from application.ports.otp import Messenger
from application.ports.system import HealthCheck
from application.ports.webhooks import SignedRequest
from pytest_dialtone.external_adapter import TestMethodFailed, call_test_method
from pytest_dialtone.promises import not_promised, unproven


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
        unproven("its provider cannot be changed from outside")

    async def sign_status(self, url: str, body: bytes | None) -> SignedRequest:
        if not hasattr(self.messenger, "read_statuses"):
            not_promised("it has no read_statuses()")
        signed = await call_test_method(self.messenger, "sign_status", url, body)
        if not isinstance(signed, SignedRequest):
            raise TestMethodFailed(f"sign_status() returned {signed!r} instead of a SignedRequest")
        return signed
