import asyncio
from collections.abc import Callable
from typing import Final

from adapters.twilio.client import Refused, TwilioClient, Unreadable
from adapters.twilio.outcomes import INACTIVE, NOT_REACHED, SOMETHING_ELSE, reason_of
from adapters.twilio.transport import NoAnswer, NotReached
from application.ports.errors import MessengerUnavailable

WELL_FOR: Final = 30.0
UNWELL_FOR: Final = 5.0
_NO_ANSWER: Final = "The message service does not answer."


class AccountProbe:
    """Looks whether Twilio is there and takes us for the holder of an active account.

    It reads the account, which costs nothing. Twilio limits how many requests an account may
    have under way, and readiness is asked by anybody: so what was seen is remembered for a
    while, and of those who look at the same time one does.
    """

    def __init__(self, client: TwilioClient, patience: float, now: Callable[[], float]) -> None:
        self._client = client
        self._patience = patience
        self._now = now
        self._turn = asyncio.Lock()
        self._trouble: str | None = None
        self._holds_until: float | None = None

    async def check(self) -> None:
        """Return when a message would be taken now.

        Raises:
            MessengerUnavailable
        """
        try:
            async with asyncio.timeout(2 * self._patience), self._turn:
                trouble = await self._remembered()
        except TimeoutError:
            trouble = _NO_ANSWER
        if trouble is not None:
            raise MessengerUnavailable(trouble)

    async def _remembered(self) -> str | None:
        if self._holds_until is None or self._now() >= self._holds_until:
            self._trouble = await self._look()
            self._holds_until = self._now() + (UNWELL_FOR if self._trouble else WELL_FOR)
        return self._trouble

    async def _look(self) -> str | None:
        try:
            async with asyncio.timeout(self._patience):
                status = await self._client.account_status()
        except NotReached:
            return NOT_REACHED.reason
        except (NoAnswer, TimeoutError):
            return _NO_ANSWER
        except Unreadable:
            return SOMETHING_ELSE
        except Refused as refusal:
            # What stands in Twilio's place may know messages only; Twilio itself tells a code.
            is_there = refusal.status == 404 and refusal.code is None
            return None if is_there else reason_of(refusal)
        return None if status == "active" else INACTIVE
