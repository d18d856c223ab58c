"""The providers of the phone line that the suites of its webhooks and markup run with."""

from dataclasses import replace
from datetime import datetime
from secrets import token_hex
from typing import Final

from adapters.messages.twilio.signatures import TwilioSignatures
from adapters.messages.twilio.voice.markup import TwimlMarkup
from adapters.messages.twilio.voice.webhook_parser import TwilioWebhookParser
from application.ports.webhooks import SignedRequest
from domain.features.voice.call import CallStatus
from tests.contract.suites.voice.drivers import VoiceDriver
from tests.support import twiml
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


class TwilioVoiceDriver(VoiceDriver):
    def __init__(self) -> None:
        self.signatures = TwilioSignatures(ACCOUNT, TOKEN)
        self.parser = TwilioWebhookParser()
        self.markup = TwimlMarkup()

    async def sign(
        self, url: str, body: bytes | None = None, signed_at: datetime | None = None
    ) -> SignedRequest:
        if body is None:
            return sign(SignedRequest(url, {}, FORM))
        return sign(SignedRequest(url, {}, body=body))

    async def sign_call(
        self, url: str, caller: str, called: str, digits: str
    ) -> tuple[str, SignedRequest]:
        fields = {"CallSid": f"CA{token_hex(16)}", "From": caller, "To": called, "Digits": digits}
        signed = sign(SignedRequest(url, {}, (("AccountSid", ACCOUNT), *fields.items())))
        return fields["CallSid"], signed

    async def sign_call_status(self, url: str, status: CallStatus) -> SignedRequest:
        fields = {"CallSid": f"CA{token_hex(16)}", "CallStatus": status.value.replace("_", "-")}
        return sign(SignedRequest(url, {}, (("AccountSid", ACCOUNT), *fields.items())))

    async def dialed(self, markup: str) -> list[tuple[str, str]]:
        return [
            (number.text or "", dial.get("callerId", ""))
            for dial in twiml.validate(markup).iter("Dial")
            for number in dial
        ]

    async def said(self, markup: str) -> list[str]:
        return [step[1] for step in twiml.play(markup) if step[0] == "Say"]

    async def is_answered(self, markup: str) -> bool:
        # https://www.twilio.com/docs/voice/twiml/reject: only as the first verb
        return [step[0] for step in twiml.play(markup)][:1] != ["Reject"]


def sign(request: SignedRequest, key: str = TOKEN) -> SignedRequest:
    """Return a request with Twilio's signature; the URL of a JSON body gets its hash."""
    if not request.form:
        request = replace(request, url=add_body_hash(request.url, request.body.decode()))
    signature = sign_webhook(key, request.url, request.form)
    return replace(request, headers={"x-twilio-signature": signature})
