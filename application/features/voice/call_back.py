"""Call a caller back after the call has ended."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from application.features.voice.callbacks import Callbacks
from application.ports.errors import PortError
from application.tasks import start_task
from domain.features.voice.call import Call, callback_id
from domain.features.voice.instructions import Say
from domain.features.voice.walk import CallOutcome
from domain.phone import PhoneNumber

SECONDS_AFTER_TEXT: Final = 15.0
"""When the caller is called back if the provider does not report the end of the call."""
SECONDS_PER_WORD: Final = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallBackCaller:
    """Call a caller back who was promised it: once, when the phone is free again.

    - The status of the call says that the caller hung up. A number without status callbacks never
      reports it: the call is placed some time after the text.
    - The process that responded waits for that time. If it stops before, only the status counts.
    """

    callbacks: Callbacks

    async def __call__(self, call: Call, phone: PhoneNumber | None) -> None:
        """Place the callback of a call, if it was promised and is not placed yet.

        Raises:
            StorageError
        """
        if call.outcome is CallOutcome.CALLBACK and phone is not None:
            await self.callbacks.place(phone, callback_id(call.id), call.identity_id, call.locale)

    def schedule(self, call: Call, phone: PhoneNumber | None) -> None:
        """Place the callback of a call in the background, if its end is not reported in time."""
        start_task("place_callback", self._place_later(call, phone))

    async def _place_later(self, call: Call, phone: PhoneNumber | None) -> None:
        try:
            if not call.status.is_final:
                said = [part.text for part in call.turns[-1].instructions if isinstance(part, Say)]
                words = len(" ".join(said).split())
                await asyncio.sleep(words * SECONDS_PER_WORD + SECONDS_AFTER_TEXT)
            await self(call, phone)
        except PortError as error:
            _log.warning("A caller was not called back: %s", error)
