"""Keep the reference to a recording."""

from dataclasses import dataclass

from application.ports.calls import Calls
from application.ports.system import Clock
from application.update import update_call
from domain.voice.walk import Recorded


@dataclass(frozen=True, slots=True)
class KeepRecording:
    """Keep the reference to a recording that the provider reports. It is kept once.

    The caller may hang up while recording: then nothing else reports it.
    """

    calls: Calls
    clock: Clock

    async def __call__(self, call_id: str, recorded: Recorded) -> None:
        """Keep the reference. An unknown call has none.

        Raises:
            StorageError
        """
        now = self.clock.now()
        await update_call(self.calls, call_id, lambda call: call.keep_recording(recorded, now))
