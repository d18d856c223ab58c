"""A fake Twilio server: messages, calls, signed webhooks, and all kinds of failures.

The service does not import it.
"""

from tests.support.servers.fake_twilio.errors import rejects
from tests.support.servers.fake_twilio.phone_call import PhoneCall
from tests.support.servers.fake_twilio.server import Created, FakeTwilio, TwilioRequest
from tests.support.servers.fake_twilio.webhooks import ServiceWebhooks, WebhookResponse

__all__ = [
    "Created",
    "FakeTwilio",
    "PhoneCall",
    "ServiceWebhooks",
    "TwilioRequest",
    "WebhookResponse",
    "rejects",
]
