"""The port that places calls and keeps recordings."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from application.ports.messenger import DeliveryStatus
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class PlacementResult:
    """What a provider did with a call and, unless it was placed, a reason that clients may see.

    - `ACCEPTED`: it was placed. `provider_call_id` is the provider's id.
    - `REJECTED`: it was not placed. Only then is it no call.
    - `UNKNOWN`: there was no response. It may ring, and it is never placed again.
    - `INVALID_NUMBER`: the number cannot be called.
    """

    status: DeliveryStatus
    reason: str = ""
    provider_call_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """An open recording. `size` is in bytes, None if the provider does not say."""

    media_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


class CallProvider(Protocol):
    """Places calls and has the recordings."""

    async def place_call(
        self, phone: PhoneNumber, url: str, status_url: str, timeout_seconds: int = 30
    ) -> PlacementResult:
        """Ring a phone in bounded time; once it is answered, `url` says what the call does.

        A failure is a result, not an exception. A call is never placed twice.
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
