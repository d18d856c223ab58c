"""Build the use case of the page at `/`, which shows the message of a request for a code."""

from application.features.start.recent_message import GetRecentMessage
from application.otp.feature import OtpFeature
from application.ports.otp import RecentMessages
from application.use_cases import UseCases


class StartFeature:
    """The use case of the page. `recent_messages` is None where it shows no messages."""

    def __init__(self, core: UseCases, recent_messages: RecentMessages | None) -> None:
        core.of(OtpFeature).extensions.recent_messages = recent_messages
        self.get_recent_message = GetRecentMessage(recent_messages)
