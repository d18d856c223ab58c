"""All ports for the requests of a telephony provider."""

from dataclasses import dataclass

from application.ports.call_markup import CallMarkup
from application.ports.webhook_parser import WebhookParser
from application.ports.webhook_signatures import WebhookSignatures


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What verifies, reads and answers the requests of one provider."""

    signatures: WebhookSignatures
    parser: WebhookParser
    markup: CallMarkup
