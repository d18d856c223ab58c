"""Get the message that a request for a code caused, for the page at `/`."""

from dataclasses import dataclass

from application.ports.otp import RecentMessages


@dataclass(frozen=True, slots=True)
class GetRecentMessage:
    """Get the message that a request for a code caused.

    - The `request_id` of the response is the credential: only the client of that request has it.
    - A request within the cooldown caused no message, so its id leads to none.

    `recent_messages` is None where no page shows them.
    """

    recent_messages: RecentMessages | None

    def __call__(self, request_id: str) -> str | None:
        """Return the text, None if it is not kept."""
        if self.recent_messages is None:
            return None
        return self.recent_messages.find(request_id)
