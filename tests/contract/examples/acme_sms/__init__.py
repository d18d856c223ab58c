"""SMS by Acme, an imaginary provider with a JSON API: an adapter as docs/provider_adapters.md says.

Settings: DIALTONE_SMS=tests.contract.examples.acme_sms:open_acme_messenger, ACME_URL,
ACME_API_KEY, ACME_SENDER and ACME_CALLBACK_SECRET.
"""

from tests.contract.examples.acme_sms.messenger import AcmeMessenger, open_acme_messenger

__all__ = ["AcmeMessenger", "open_acme_messenger"]
