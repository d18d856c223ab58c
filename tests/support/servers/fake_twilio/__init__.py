"""A fake Twilio server: messages, calls, signed webhooks, and all kinds of failures."""

from tests.support.servers.fake_twilio.phone_call import PhoneCall
from tests.support.servers.fake_twilio.server import Created, FakeTwilio, rejects

__all__ = ["Created", "FakeTwilio", "PhoneCall", "rejects"]
