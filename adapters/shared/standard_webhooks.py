"""Standard Webhooks: requests that are signed with a secret of sender and receiver.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook, WebhookVerificationError


class StandardWebhooks:
    """Sign requests, and verify those of the other side.

    Two secrets are for the time in which one is replaced: a request has a signature of each, and
    either is enough. So the other side changes its secret whenever it likes.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        """Take secrets like `whsec_<base64>`."""
        self._webhooks = [Webhook(secret) for secret in secrets]

    def sign(self, webhook_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """Return the headers of a request at a time in UTC. A repetition has the same id."""
        text = body.decode()
        signatures = [webhook.sign(webhook_id, now, text) for webhook in self._webhooks]
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Return whether a request was signed, at most five minutes ago or ahead.

        The signature covers the id, the time and the body. A malformed request is not signed.
        """
        return any(self._is_signed(webhook, headers, body) for webhook in self._webhooks)

    def _is_signed(self, webhook: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            webhook.verify(body, dict(headers), json_parse=False)
        # ValueError: a body that is not UTF-8, a signature that is not Base64 or has no version.
        except (WebhookVerificationError, ValueError):
            return False
        return True
