"""The URLs that a provider of calls requests."""

from dataclasses import asdict, dataclass

from application.webhook_urls import PhoneLabels, WebhookUrls
from domain.voice.instructions import Position


@dataclass(frozen=True, slots=True)
class CallUrls(WebhookUrls):
    """The webhooks of calls."""

    def voice(self) -> str:
        """Return the URL of an inbound call's first request."""
        return f"{self.public_url}/voice"

    def continue_call(self, position: Position) -> str:
        """Return the URL where an inbound call continues."""
        return self.make_url("/voice/continue", **asdict(position))

    def code_call(self, call_id: str, position: Position | None = None) -> str:
        """Return the URL of a call that reads a code: of its first request, or of an answer."""
        return self.make_url(f"/voice/calls/{call_id}", **(asdict(position) if position else {}))

    def call_status(self, call_id: str | None = None, labels: PhoneLabels | None = None) -> str:
        """Return the URL for the status of an outbound call, or of any inbound one."""
        of_call = {"call": call_id} if call_id else {}
        return self.make_url("/voice/status", **of_call, **(asdict(labels) if labels else {}))

    def recording(self) -> str:
        """Return the URL for the status of recordings."""
        return f"{self.public_url}/voice/recording"

    def fallback(self) -> str:
        """Return the URL that is requested when another one fails."""
        return f"{self.public_url}/voice/fallback"
