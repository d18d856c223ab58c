"""SMS by Twilio."""

from adapters.twilio.messenger import TwilioMessenger, open_twilio_messenger
from adapters.twilio.transport import Timeouts

__all__ = ["Timeouts", "TwilioMessenger", "open_twilio_messenger"]
