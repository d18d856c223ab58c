"""Phone lines that break one promise each. WRONG_ADAPTER names the one that a factory yields."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from application.features.voice.ports import Markup, WebhookFields
from application.ports.otp import DeliveryResult
from application.ports.webhooks import SignedRequest
from domain.features.voice.instructions import Dial, Instruction, Position, Reject
from domain.features.voice.walk import Continued
from domain.phone import PhoneNumber
from tests.support.voice.right_voice import NUMBER, RightVoice

UrlOf = Callable[[Position], str]


class BelievesEverybody(RightVoice):
    def verify(self, request: SignedRequest) -> bool:
        return True


class OwnCallErrors(RightVoice):
    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        raise ConnectionError(phone.e164)


class AnsweredRejections(RightVoice):
    """It rejects a call by an empty document."""

    def render(
        self, instructions: Sequence[Instruction], url_of: UrlOf, recording_status_url: str = ""
    ) -> Markup:
        rendered = [each for each in instructions if not isinstance(each, Reject)]
        return super().render(rendered, url_of, recording_status_url)


class NoSignatures(BelievesEverybody):
    """The same as one that believes everybody, without a method that signs."""

    def __getattribute__(self, name: str) -> object:
        if name == "sign_webhook":
            raise AttributeError(name)
        return super().__getattribute__(name)


class ExchangedNumbers(RightVoice):
    def parse(self, request: SignedRequest) -> WebhookFields:
        fields = super().parse(request)
        return replace(fields, caller=fields.called, called=fields.caller)


class ExchangedDial(RightVoice):
    def render(
        self, instructions: Sequence[Instruction], url_of: UrlOf, recording_status_url: str = ""
    ) -> Markup:
        exchanged = [
            replace(each, number=each.caller_id, caller_id=each.number)
            if isinstance(each, Dial) and each.caller_id
            else each
            for each in instructions
        ]
        return super().render(exchanged, url_of, recording_status_url)


class DialsItself(RightVoice):
    def render(
        self, instructions: Sequence[Instruction], url_of: UrlOf, recording_status_url: str = ""
    ) -> Markup:
        own = [
            replace(each, number=each.caller_id or each.number) if isinstance(each, Dial) else each
            for each in instructions
        ]
        return super().render(own, url_of, recording_status_url)


class CallsItself(RightVoice):
    """It places each call to the number that the first one went to."""

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        first = PhoneNumber(self.placed[0][0]) if self.placed else phone
        return await super().place_call(first, url, status_url)


class OwnNumberCalled(RightVoice):
    """It exchanges the number that is called and the one that calls."""

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        return await super().place_call(PhoneNumber(NUMBER), url, status_url)


class NoRecordingUrl(RightVoice):
    def render(
        self, instructions: Sequence[Instruction], url_of: UrlOf, recording_status_url: str = ""
    ) -> Markup:
        return super().render(instructions, url_of)


class NoCaller(RightVoice):
    def parse(self, request: SignedRequest) -> WebhookFields:
        return replace(super().parse(request), caller=None)


class NoDigits(RightVoice):
    def parse(self, request: SignedRequest) -> WebhookFields:
        return replace(super().parse(request), event=Continued())


class CutCallIds(RightVoice):
    def parse(self, request: SignedRequest) -> WebhookFields:
        fields = super().parse(request)
        return replace(fields, provider_call_id=fields.provider_call_id[:36])


@asynccontextmanager
async def open_voice(*, environ: Mapping[str, str]) -> AsyncIterator[RightVoice]:
    yield globals()[environ["WRONG_ADAPTER"]]()
