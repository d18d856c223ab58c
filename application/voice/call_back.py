"""Call a caller back after the call has ended."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from application.otp.callbacks import Callbacks
from application.ports.calls import Calls
from application.ports.errors import PortError
from domain.phone import PhoneNumber
from domain.voice.call import Call, callback_id
from domain.voice.instructions import Say, StoredInstruction
from domain.voice.walk import CallOutcome

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

    calls: Calls
    callbacks: Callbacks
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def __call__(self, call: Call, phone: PhoneNumber | None) -> None:
        """Place the callback of a call, if it was promised and is not placed yet.

        Raises:
            StorageError
        """
        if call.outcome is CallOutcome.CALLBACK and phone is not None:
            await self.callbacks.place(phone, callback_id(call.id), call.identity_id, call.locale)

    def schedule(
        self, call_id: str, phone: PhoneNumber | None, said: Sequence[StoredInstruction]
    ) -> None:
        """Place the callback of a call in the background, if its end is not reported in time."""
        words = sum(len(part.text.split()) for part in said if isinstance(part, Say))
        delay = words * SECONDS_PER_WORD + SECONDS_AFTER_TEXT
        task = asyncio.create_task(self._place_later(call_id, phone, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _place_later(self, call_id: str, phone: PhoneNumber | None, delay: float) -> None:
        try:
            loaded = await self.calls.load(call_id)
            if loaded is not None and not loaded.value.status.is_final:
                await asyncio.sleep(delay)
            if loaded is not None:
                await self(loaded.value, phone)
        except PortError as error:
            _log.warning("A caller was not called back: %s", error)
