"""Accept a request about a call at one URL only."""

from dataclasses import dataclass
from hashlib import sha256

from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.ports.webhooks import SignedRequest
from domain.features.voice.used_webhook import USED_WEBHOOK_TTL, UsedWebhook


@dataclass(frozen=True, slots=True)
class ClaimWebhook:
    """Accept a request at the URL where it came first, however often the provider repeats it.

    So a request that somebody has seen is of no use at another position of its call, even if the
    provider does not sign the URL.
    """

    used_webhooks: ExpiringRecords[UsedWebhook]
    keyed_hashes: KeyedHashes
    clock: Clock

    async def __call__(self, request: SignedRequest, request_id: str) -> bool:
        """Return whether the request, which is authentic, counts at its URL.

        `request_id` tells it from others; it is empty if the body does.
        """
        named = f"id {request_id}".encode() if request_id else b"body " + request.body
        used = UsedWebhook(
            # With a key: all of a body but the phone number may be known.
            self.keyed_hashes.sign_url(f"webhook\n{sha256(named).hexdigest()}"),
            sha256(request.url.encode()).hexdigest(),
            self.clock.now() + USED_WEBHOOK_TTL,
        )
        if await self.used_webhooks.add(used):
            return True
        earlier = await self.used_webhooks.load(used.id)
        return earlier is not None and earlier.value.url_hash == used.url_hash
