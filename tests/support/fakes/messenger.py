import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, PausedProvider, TextMessage
from domain.phone import PhoneNumber

ACCEPTED = DeliveryResult(DeliveryStatus.ACCEPTED)
NOT_CONNECTED = DeliveryResult(DeliveryStatus.NOT_CONNECTED, "The fake provider is away.")
UNAVAILABLE = DeliveryResult(DeliveryStatus.UNAVAILABLE, "The fake account is empty.")
REJECTED = DeliveryResult(DeliveryStatus.REJECTED, "The fake provider is down.")
INVALID_NUMBER = DeliveryResult(DeliveryStatus.INVALID_NUMBER, "This number does not exist.")
UNKNOWN = DeliveryResult(DeliveryStatus.UNKNOWN, "The fake provider did not respond.")


class Message(NamedTuple):
    phone: PhoneNumber
    text: str

    @property
    def code(self) -> str:
        """The code as a phone finds it: the first run of four to eight digits."""
        match = re.search(r"\d{4,8}", self.text)
        assert match is not None
        return match[0]


class FakeMessenger:
    """Keeps every message and who had it last, and returns `result`.

    `arrived` is set by each message. If there is a `gate`, `send` returns after it is set. For
    the end of `pause` no provider is called.
    """

    def __init__(self, result: DeliveryResult = ACCEPTED) -> None:
        self.result = result
        self.messages: list[Message] = []
        self.sent: list[TextMessage] = []
        self.names: Sequence[str] = ("acme",)
        self.last_providers: list[str] = []
        self.gate: asyncio.Event | None = None
        self.arrived = asyncio.Event()
        self.pause: PausedProvider | None = None

    @property
    def status_urls(self) -> list[str]:
        return [message.status_url for message in self.sent]

    async def send(
        self, phone: PhoneNumber, message: TextMessage, last_provider: str = ""
    ) -> DeliveryResult:
        self.last_providers.append(last_provider)
        self.messages.append(Message(phone, message.text))
        self.sent.append(message)
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        return replace(self.result, provider=self.result.provider or self.names[0])

    def status_parameters(self) -> dict[str, str]:
        """Return the parameters of the URL for the status of the first message."""
        return dict(parse_qsl(urlsplit(self.status_urls[0]).query))

    def find_pause(self) -> PausedProvider | None:
        return self.pause

    async def check(self) -> None:
        if self.result.status is DeliveryStatus.REJECTED:
            raise MessengerUnavailable(self.result.reason)
