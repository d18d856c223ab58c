"""The providers of the phone line that the suites of its webhooks and markup run on.

An external adapter replaces them, if one is given.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest

from adapters.twilio.markup import TwimlMarkup
from adapters.twilio.signatures import TwilioSignatures
from adapters.twilio.webhook_parser import TwilioWebhookParser
from application.ports.voice import CallMarkup, SignedRequest, WebhookParser, WebhookSignatures
from tests.contract import external_adapter
from tests.support import twiml
from tests.support.acme_voice import AcmeVoice, open_acme_voice
from tests.support.servers.fake_acme_voice import FakeAcmeVoice
from tests.support.servers.fake_twilio.server import add_body_hash, sign_webhook

ACCOUNT: Final = "AC" + "0" * 30 + "da"
TOKEN: Final = "the-token"
FORM: Final = (
    ("AccountSid", ACCOUNT),
    ("CallSid", "CA" + "1" * 32),
    ("From", "+14155550001"),
    ("SpeechResult", "हाँ & yes = + sure"),
    ("Digits", ""),
)
of_twilio_only: Final = pytest.mark.skipif(
    external_adapter.is_given(), reason="it is about the requests and documents of Twilio"
)


class VoiceDriver:
    """The ports of a provider, and what the provider does itself."""

    def __init__(
        self, signatures: WebhookSignatures, parser: WebhookParser, markup: CallMarkup
    ) -> None:
        self.signatures = signatures
        self.parser = parser
        self.markup = markup

    async def sign(self, url: str, body: bytes | None = None) -> SignedRequest:
        """Return a request as the provider posts it, by default about a call."""
        raise NotImplementedError

    async def said(self, markup: str) -> list[str]:
        """Return the texts that a document says, in order."""
        raise NotImplementedError


class TwilioVoiceDriver(VoiceDriver):
    def __init__(self) -> None:
        super().__init__(TwilioSignatures(ACCOUNT, TOKEN), TwilioWebhookParser(), TwimlMarkup())

    async def sign(self, url: str, body: bytes | None = None) -> SignedRequest:
        if body is None:
            return sign(SignedRequest(url, {}, FORM))
        return sign(SignedRequest(url, {}, body=body))

    async def said(self, markup: str) -> list[str]:
        return [step[1] for step in twiml.play(markup) if step[0] == "Say"]


class AcmeVoiceDriver(VoiceDriver):
    def __init__(self, adapter: AcmeVoice) -> None:
        super().__init__(adapter, adapter, adapter)
        self.adapter = adapter

    async def sign(self, url: str, body: bytes | None = None) -> SignedRequest:
        return self.adapter.sign_webhook(url, body)

    async def said(self, markup: str) -> list[str]:
        return self.adapter.said(markup)


class OutsideVoiceDriver(VoiceDriver):
    """An adapter from outside. It may have methods for tests, see docs/adapters.md."""

    def __init__(self, adapter: Any) -> None:
        super().__init__(adapter, adapter, adapter)
        self.adapter = adapter

    async def sign(self, url: str, body: bytes | None = None) -> SignedRequest:
        signed = await external_adapter.call_test_method(self.adapter, "sign_webhook", url, body)
        if not isinstance(signed, SignedRequest):
            raise external_adapter.TestMethodFailed(
                f"sign_webhook() returned {signed!r} instead of a SignedRequest"
            )
        return signed

    async def said(self, markup: str) -> list[str]:
        said: list[str] = await external_adapter.call_test_method(self.adapter, "said", markup)
        return said


async def twilio(request: pytest.FixtureRequest) -> AsyncIterator[VoiceDriver]:
    yield TwilioVoiceDriver()


async def acme(request: pytest.FixtureRequest) -> AsyncIterator[VoiceDriver]:
    with FakeAcmeVoice() as server:
        async with open_acme_voice(environ=server.environ) as adapter:
            yield AcmeVoiceDriver(adapter)


async def from_outside(request: pytest.FixtureRequest) -> AsyncIterator[VoiceDriver]:
    folder = request.getfixturevalue("tmp_path")
    async with external_adapter.open_external_adapter(folder) as adapter:
        yield OutsideVoiceDriver(adapter)


VOICE_ADAPTERS: Final = [from_outside] if external_adapter.is_given() else [twilio, acme]


def sign(request: SignedRequest, key: str = TOKEN) -> SignedRequest:
    """Return a request with Twilio's signature; the URL of a JSON body gets its hash."""
    if not request.form:
        request = replace(request, url=add_body_hash(request.url, request.body.decode()))
    signature = sign_webhook(key, request.url, request.form)
    return replace(request, headers={"x-twilio-signature": signature})
