"""Recordings of a phone line that is not answered anymore."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from application.features.voice.ports import RecordingFile, Recordings


@dataclass(frozen=True, slots=True)
class RecordingsOnDemand:
    """Open the provider for each recording.

    A service without a phone line has few recordings or none, and loads nothing of the provider
    until one is opened or deleted.
    """

    open_provider: Callable[[], AbstractAsyncContextManager[Recordings]]

    @asynccontextmanager
    async def open_recording(self, recording_id: str) -> AsyncIterator[RecordingFile]:
        async with (
            self.open_provider() as recordings,
            recordings.open_recording(recording_id) as recording,
        ):
            yield recording

    async def delete_recording(self, recording_id: str) -> None:
        async with self.open_provider() as recordings:
            await recordings.delete_recording(recording_id)
