"""All ports for the requests of a telephony provider."""

from application.ports.call_markup import CallMarkup
from application.ports.webhook_parser import WebhookParser
from application.ports.webhook_signatures import WebhookSignatures
from domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What verifies, reads and answers the requests of one provider."""

    signatures: WebhookSignatures
    parser: WebhookParser
    markup: CallMarkup
