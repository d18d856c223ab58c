"""A stand-in for Twilio: messages, calls and signed webhooks, and whatever can go wrong.

It is for tests and for trying the service out by hand (`python -m
tests.support.servers.twilio_stand_in`). It tells nobody anything, and nothing of it is in the service.
"""

from tests.support.servers.twilio_stand_in.refusals import refuses
from tests.support.servers.twilio_stand_in.stand_in import Sent, TwilioStandIn
from tests.support.servers.twilio_stand_in.webhooks import WebhookAnswer, post_webhook

__all__ = ["Sent", "TwilioStandIn", "WebhookAnswer", "post_webhook", "refuses"]
