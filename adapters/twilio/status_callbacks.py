"""What Twilio reports of messages."""

from dataclasses import dataclass

from adapters.twilio.signatures import TwilioSignatures
from adapters.twilio.webhook_parser import TwilioWebhookParser
from application.ports.status_callbacks import MessageStatus
from application.ports.webhook_signatures import SignedRequest


@dataclass(frozen=True, slots=True)
class TwilioStatusCallbacks:
    """Verify and read Twilio's status callbacks."""

    signatures: TwilioSignatures

    def read_status(self, request: SignedRequest) -> MessageStatus | None:
        """Return what a request reports, or None if Twilio did not send it for this account."""
        if not self.signatures.verify(request):
            return None
        fields = TwilioWebhookParser().parse(request)
        return MessageStatus(fields.message_status, fields.error_code)
