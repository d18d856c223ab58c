import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from application.features.voice.ports import RecordingFile
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.phone import PhoneNumber
from tests.support.fakes.messenger import REJECTED, UNKNOWN


class PlacedCall(NamedTuple):
    phone: PhoneNumber
    url: str
    status_url: str


class FakeCallProvider:
    """Keeps every call and recording.

    Attributes:
        result: The result of `place_call`, if it is not a placed call.
        calls: All calls that were placed, by id; those with an unknown result too.
        recordings: The content of each recording, by id.
        is_unavailable: Whether every operation fails.
        refused: The ids of recordings that cannot be deleted.
        hangs: Whether a call is placed, and nothing says so.
    """

    def __init__(self) -> None:
        self.result: DeliveryResult | None = None
        self.calls: dict[str, PlacedCall] = {}
        self.recordings: dict[str, bytes] = {}
        self.is_unavailable = False
        self.refused: set[str] = set()
        self.hangs = False

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        if self.is_unavailable:
            return REJECTED
        if self.result not in (None, UNKNOWN):
            return self.result
        call_id = f"CA{len(self.calls):032x}"
        self.calls[call_id] = PlacedCall(phone, url, status_url)
        if self.hangs:
            await asyncio.Event().wait()
        return self.result or DeliveryResult(DeliveryStatus.ACCEPTED, provider_call_id=call_id)

    @asynccontextmanager
    async def open_recording(self, recording_id: str) -> AsyncIterator[RecordingFile]:
        self._check()
        content = self.recordings.get(recording_id)
        if content is None:
            raise RecordingNotFound
        yield RecordingFile("audio/mpeg", len(content), self._chunks(content))

    async def delete_recording(self, recording_id: str) -> None:
        self._check()
        if recording_id in self.refused:
            raise CallProviderUnavailable
        self.recordings.pop(recording_id, None)

    async def check(self) -> None:
        self._check()

    async def _chunks(self, content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1000):
            self._check()
            yield content[start : start + 1000]

    def _check(self) -> None:
        if self.is_unavailable:
            raise CallProviderUnavailable("The fake provider is down.")
