"""Build the use case of the page at `/`, which shows the message of a request for a code."""

from dataclasses import dataclass

from application.otp.use_cases import OtpUseCases
from application.ports.otp import RecentMessages
from application.use_cases import UseCases


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


class StartFeature:
    """The use case of the page."""

    def __init__(self, core: UseCases, recent_messages: RecentMessages | None) -> None:
        core.of(OtpUseCases).extensions.recent_messages = recent_messages
        self.get_recent_message = GetRecentMessage(recent_messages)
