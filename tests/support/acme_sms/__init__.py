"""SMS by Acme, an imaginary provider with a JSON API: an adapter as docs/provider_adapters.md says.

Settings: DIALTONE_SMS=tests.support.acme_sms:open_acme_messenger, ACME_URL, ACME_API_KEY,
ACME_SENDER and ACME_CALLBACK_SECRET.
"""

from tests.support.acme_sms.callbacks import sign_callback
from tests.support.acme_sms.messenger import AcmeMessenger, open_acme_messenger

__all__ = ["AcmeMessenger", "open_acme_messenger", "sign_callback"]
