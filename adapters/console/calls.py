"""Calls as texts on a console."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from adapters.console.messenger import ConsoleMessenger
from application.ports.call_provider import PlacementResult, PlacementStatus, RecordingFile
from application.ports.errors import RecordingNotFound
from application.ports.messenger import DeliveryStatus
from domain.phone import PhoneNumber

_STATUSES: Final = {
    DeliveryStatus.ACCEPTED: PlacementStatus.PLACED,
    DeliveryStatus.REJECTED: PlacementStatus.REJECTED,
    DeliveryStatus.UNKNOWN: PlacementStatus.UNKNOWN,
    DeliveryStatus.INVALID_NUMBER: PlacementStatus.INVALID_NUMBER,
}


class ConsoleCalls:
    """Print which calls would be placed. There are no real calls and no recordings."""

    def __init__(self, messenger: ConsoleMessenger) -> None:
        """Print to the stream of the messenger."""
        self._messenger = messenger

    async def place_call(
        self,
        phone: PhoneNumber,
        url: str,
        status_url: str,
        timeout_seconds: int = 30,
    ) -> PlacementResult:
        """Print the call; it is rejected if nothing was written."""
        result = await self._messenger.send(
            phone,
            f"A call would ring for {timeout_seconds} seconds. Once it is answered, POST to\n"
            f"{url}\nsays what it does. Its status would be posted to\n{status_url}",
        )
        return PlacementResult(_STATUSES[result.status], result.reason)

    async def end_call(self, provider_call_id: str) -> None:
        """Do nothing: no call is real."""

    def open_recording(
        self,
        recording_id: str,  # noqa: ARG002 -- there are no recordings
    ) -> AbstractAsyncContextManager[RecordingFile]:
        """Find no recording.

        Raises:
            RecordingNotFound
        """
        raise RecordingNotFound

    async def delete_recording(self, recording_id: str) -> None:
        """Do nothing: there are no recordings."""
