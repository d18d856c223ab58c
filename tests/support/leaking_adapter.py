"""A messenger whose errors have all that it knows: the contract tests must not show it.

FAILS_IN names where it fails.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from application.ports.otp import DeliveryResult, DeliveryStatus, TextMessage
from domain.phone import PhoneNumber

SECRET: Final = "correcthorsebattery"
_KEPT: Final[list[object]] = []


class LeakingMessenger:
    """A messenger that fails in the place which its environment names."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        text = f"{phone.e164} {message.text}"
        sys.stdout.write(f"login with {self._environ['GATEWAY_PASSWORD']}: {text}\n")
        self.fail_in("method", text)
        if self._environ["FAILS_IN"] == "thread":
            thread = threading.Thread(target=self.fail_in, args=("thread", text))
            thread.start()
            thread.join()
        if self._environ["FAILS_IN"] == "task":
            task = asyncio.create_task(self.fail_in_task(text))
            await asyncio.wait([task])
        return DeliveryResult(DeliveryStatus.ACCEPTED)

    async def fail_in_task(self, text: str) -> None:
        self.fail_in("task", text)

    def received(self) -> list[tuple[str, str]]:
        self.fail_in("helper")
        return []

    def fail_in(self, place: str, text: str = "") -> None:
        password = self._environ["GATEWAY_PASSWORD"]
        if self._environ["FAILS_IN"] == place:
            raise ConnectionError(f"no login with {password} at {self._environ}: {text}")

    def __repr__(self) -> str:
        return str(self._environ)


@asynccontextmanager
async def open_leaking_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[LeakingMessenger]:
    messenger = LeakingMessenger(environ)
    messenger.fail_in("factory")
    yield messenger
    messenger.fail_in("close")
