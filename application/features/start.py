"""Build the use case of the page at `/`, which shows the message of a request for a code."""

from dataclasses import dataclass

from application.additions import Additions
from application.opened import Opened
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
        if self.recent_messages is None:
            return None
        return self.recent_messages.find(request_id)


def open_start(recent_messages: RecentMessages | None) -> Opened[GetRecentMessage]:
    """Open the page."""
    return Opened(
        lambda _: GetRecentMessage(recent_messages), Additions(recent_messages=recent_messages)
    )
