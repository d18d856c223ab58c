import hashlib
import hmac
import json
from dataclasses import replace

from application.ports.webhook_signatures import SignedRequest

HEADER = "x-fake-signature"


class FakeWebhookSignatures:
    """Verifies a MAC over everything that is in a request, for one account."""

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        self._key = key

    def verify(self, request: SignedRequest) -> bool:
        try:
            mac = self.sign(request).headers[HEADER].encode()
            if not hmac.compare_digest(mac, request.headers.get(HEADER, "").encode()):
                return False
            fields = request.form or json.loads(request.body, object_pairs_hook=tuple)
        except (ValueError, RecursionError):
            return False
        if not isinstance(fields, tuple):
            return False
        names = [name for name, _ in fields]
        return ("AccountSid", self._account) in fields and len(names) == len(set(names))

    def sign(self, request: SignedRequest) -> SignedRequest:
        """Return the request with its signature."""
        content = json.dumps([request.url, request.form, request.body.hex()]).encode()
        mac = hmac.new(self._key.encode(), content, hashlib.sha256).hexdigest()
        return replace(request, headers={**request.headers, HEADER: mac})
