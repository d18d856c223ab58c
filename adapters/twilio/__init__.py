"""Text messages by Twilio."""

from adapters.twilio.messenger import TwilioMessenger, open_twilio_messenger
from adapters.twilio.transport import Patience

__all__ = ["Patience", "TwilioMessenger", "open_twilio_messenger"]
