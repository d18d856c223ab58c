"""SMS and calls by Twilio."""

from adapters.http import Timeouts
from adapters.twilio.calls import TwilioCalls, open_twilio_calls
from adapters.twilio.markup import TwimlMarkup
from adapters.twilio.messenger import TwilioMessenger, open_twilio_messenger
from adapters.twilio.signatures import TwilioSignatures
from adapters.twilio.webhook_parser import TwilioWebhookParser

__all__ = [
    "Timeouts",
    "TwilioCalls",
    "TwilioMessenger",
    "TwilioSignatures",
    "TwilioWebhookParser",
    "TwimlMarkup",
    "open_twilio_calls",
    "open_twilio_messenger",
]
