"""The URLs that a telephony provider requests."""

from dataclasses import dataclass

from domain.voice.instructions import Position


@dataclass(frozen=True, slots=True)
class WebhookUrls:
    """The webhooks under the URL that the world sees. That has no slash at its end."""

    public_url: str

    def voice(self) -> str:
        """Return the URL of an inbound call's first request."""
        return f"{self.public_url}/voice"

    def continue_call(self, position: Position) -> str:
        """Return the URL where an inbound call continues."""
        return f"{self.public_url}/voice/continue?{_query(position)}"

    def code_call(self, call_id: str, position: Position | None = None) -> str:
        """Return the URL of a call that reads a code: of its first request, or of an answer."""
        url = f"{self.public_url}/voice/calls/{call_id}"
        return f"{url}?{_query(position)}" if position else url

    def call_status(self, call_id: str | None = None) -> str:
        """Return the URL for the status of an outbound call, or of any inbound one."""
        url = f"{self.public_url}/voice/status"
        return f"{url}?call={call_id}" if call_id else url

    def recording(self) -> str:
        """Return the URL for the status of recordings."""
        return f"{self.public_url}/voice/recording"

    def fallback(self) -> str:
        """Return the URL that is requested when another one fails."""
        return f"{self.public_url}/voice/fallback"

    def sms_status(self, report_id: str) -> str:
        """Return the URL for the status of a message."""
        return f"{self.public_url}/sms/status?delivery={report_id}"


def _query(position: Position) -> str:
    # The names of nodes need no escaping.
    return f"node={position.node}&visit={position.visit}&repeat={position.repeat}"
