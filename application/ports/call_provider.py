"""The port that places calls and keeps recordings."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from application.ports.messenger import DeliveryResult
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """An open recording. `size` is in bytes, None if the provider does not say."""

    media_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


class CallProvider(Protocol):
    """Places calls and has the recordings."""

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        """Ring a phone in bounded time; once it is answered, `url` says what the call does.

        - A failure is a result, not an exception. A call is never placed twice.
        - A result that is `ACCEPTED` has the provider's id of the call. After `UNKNOWN`, it may
          ring.
        """
        ...

    def open_recording(self, recording_id: str) -> AbstractAsyncContextManager[RecordingFile]:
        """Open a recording as a stream of limited size.

        A stream that breaks off raises, so that a part is never taken for the whole.

        Raises:
            RecordingNotFound
            CallProviderUnavailable: Also while the chunks are read.
        """
        ...

    async def delete_recording(self, recording_id: str) -> None:
        """Delete a recording. One that is not there is deleted.

        Raises:
            CallProviderUnavailable
        """
        ...
