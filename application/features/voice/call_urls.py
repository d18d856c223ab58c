"""The URLs that a provider of calls requests, and that each request is about one call."""

import hmac
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Final

from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.ports.webhooks import SignedRequest
from application.webhook_urls import PhoneLabels, WebhookUrls
from domain.features.voice.call import USED_WEBHOOK_TTL, UsedWebhook
from domain.features.voice.instructions import Position

_SIGNATURE: Final = "signature="


@dataclass(frozen=True, slots=True)
class CallUrls(WebhookUrls):
    """The webhooks of calls.

    Attributes:
        keyed_hashes: Signs the URLs, as the parameter `signature`. None where the provider's
            signature covers them.
        provider_call_id: The provider's id of the call whose URLs they are. The URLs that an
            operator or `place_call` gives to the provider are of no call yet.
    """

    keyed_hashes: KeyedHashes | None = None
    provider_call_id: str = ""

    def of_call(self, provider_call_id: str) -> "CallUrls":
        """Return the URLs of a call. Signed ones reject the requests of another call."""
        return replace(self, provider_call_id=provider_call_id)

    def voice(self) -> str:
        return self.make_url("/voice")

    def continue_call(self, position: Position) -> str:
        return self.make_url("/voice/continue", **asdict(position))

    def code_call(self, call_id: str, position: Position | None = None) -> str:
        """Return the URL of a call that reads a code: of its first request, or of an answer."""
        return self.make_url(f"/voice/calls/{call_id}", **(asdict(position) if position else {}))

    def call_status(self, call_id: str | None = None, labels: PhoneLabels | None = None) -> str:
        """Return the URL for the status of an outbound call, or of any inbound one."""
        of_call = {"call": call_id} if call_id else {}
        return self.make_url("/voice/status", **of_call, **(asdict(labels) if labels else {}))

    def recording(self) -> str:
        return self.make_url("/voice/recording")

    def fallback(self) -> str:
        return self.make_url("/voice/fallback")

    def make_url(self, path: str, **parameters: str | int) -> str:
        """Return the URL of a path, with a signature if the URLs are signed."""
        url = WebhookUrls.make_url(self, path, **parameters)
        if self.keyed_hashes is None:
            return url
        signature = _sign(self.keyed_hashes, url, self.provider_call_id)
        return WebhookUrls.make_url(self, path, **parameters, signature=signature)

    def accepts(self, url: str) -> bool:
        """Return whether a requested URL is one of this call or of no call, as it was made.

        Every URL is, where the provider's signature covers them.
        """
        if self.keyed_hashes is None:
            return True
        path, _, query = url.partition("?")
        # As they are: the values of ours need no escaping.
        parts = query.split("&")
        others = [part for part in parts if not part.startswith(_SIGNATURE)]
        signature = "&".join(part for part in parts if part.startswith(_SIGNATURE))
        unsigned = f"{path}?{'&'.join(others)}" if others else path
        expected = [
            f"{_SIGNATURE}{_sign(self.keyed_hashes, unsigned, call)}"
            for call in ("", self.provider_call_id)
        ]
        return any(hmac.compare_digest(one.encode(), signature.encode()) for one in expected)


def _sign(keyed_hashes: KeyedHashes, url: str, provider_call_id: str) -> str:
    # Lines: no other text that is signed with this key begins like this.
    return keyed_hashes.sign_url(f"call\n{url}\n{provider_call_id}")


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
