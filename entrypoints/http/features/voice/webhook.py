"""Requests about calls, once they are verified."""

from collections.abc import Mapping
from dataclasses import dataclass

from application.features.voice.call_urls import CallUrls
from application.features.voice.feature import VoiceFeature
from application.features.voice.ports import WebhookFields
from application.ports.webhooks import SignedRequest
from domain.features.voice.call import is_provider_id
from domain.features.voice.instructions import Position
from domain.features.voice.step import Recorded
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.requests.signed_request import read_signed_request, reject


@dataclass(frozen=True, slots=True)
class Webhook:
    """An authentic request. Its `parameters` are those of the URL, which is one of ours."""

    request: ApiRequest
    signed: SignedRequest
    fields: WebhookFields
    parameters: Mapping[str, str]
    urls: CallUrls
    voice: VoiceFeature

    async def claim(self) -> None:
        """Accept the request at this URL only, if the provider does not sign the URL."""
        claim = self.voice.claim_webhook
        if claim is not None and not await claim(self.signed, self.fields.request_id):
            raise reject(self.request, "it was used at another URL")

    def parse_position(self) -> Position | None:
        """Return the position in the URL, None for the first request of a call."""
        if "state" not in self.parameters:
            return None
        state, visit, repeat = (self.parameters[name] for name in ("state", "visit", "repeat"))
        return Position(state, int(visit), int(repeat))


async def receive_webhook(request: ApiRequest, voice: Injected[VoiceFeature]) -> Webhook:
    """Receive a request about a call, and verify it.

    Of its headers, the signature and the type of the body count.
    """
    signed, parameters = await read_signed_request(request)
    if not voice.ports.signatures.verify(signed):
        raise reject(request, "signature, account or a repeated field")
    fields = voice.ports.parser.parse(signed)
    if not is_provider_id(fields.provider_call_id):
        raise reject(request, "it names no call")
    if isinstance(fields.event, Recorded) and not is_provider_id(fields.event.recording_id):
        raise reject(request, "it names no recording")
    urls = voice.urls_at(request.settings.server.public_url).of_call(fields.provider_call_id)
    if not urls.accepts(signed.url):
        raise reject(request, "the URL is not one that this call was given")
    return Webhook(request, signed, fields, parameters, urls, voice)
