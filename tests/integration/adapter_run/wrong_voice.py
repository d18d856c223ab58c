"""Phone lines that break one promise each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from application.features.voice.ports import Markup, WebhookFields
from application.ports.otp import DeliveryResult
from application.ports.webhooks import SignedRequest
from domain.features.voice.instructions import Instruction, Position, Reject
from domain.phone import PhoneNumber
from tests.contract.suites.voice import test_call_markup as markup
from tests.contract.suites.voice import test_call_provider as calls
from tests.contract.suites.voice import test_webhook_parser as parser
from tests.contract.suites.voice import test_webhook_signatures as signatures
from tests.integration.adapter_run.wrong_adapters import breaks
from tests.support.voice.right_voice import RightVoice

PARSED: Final = parser.test_a_request_has_its_call_both_numbers_and_the_digits
UrlOf = Callable[[Position], str]


@breaks(
    signatures.test_a_request_without_a_signature_is_not_authentic,
    "verify returned True for a request without a signature",
)
class BelievesEverybody(RightVoice):
    def verify(self, request: SignedRequest) -> bool:
        return True


@breaks(calls.test_a_call_is_placed_once_with_its_urls, "place_call raised ConnectionErr")
class OwnCallErrors(RightVoice):
    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        raise ConnectionError(phone.e164)


@breaks(
    markup.test_a_call_that_is_rejected_has_a_document_of_its_own,
    "Reject has the document of no instruction",
)
class AnsweredRejections(RightVoice):
    """It rejects a call by an empty document."""

    def render(
        self, instructions: Sequence[Instruction], url_of: UrlOf, recording_status_url: str = ""
    ) -> Markup:
        rendered = [each for each in instructions if not isinstance(each, Reject)]
        return super().render(rendered, url_of, recording_status_url)


@breaks(PARSED, "parse returned .*, not")
class ExchangedNumbers(RightVoice):
    def parse(self, request: SignedRequest) -> WebhookFields:
        fields = super().parse(request)
        return replace(fields, caller=fields.called, called=fields.caller)


@breaks(calls.test_a_call_is_placed_once_with_its_urls, "got 1 requests")
class CallsItself(RightVoice):
    """It places each call to the number that the first one went to."""

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        first = PhoneNumber(self.placed[0][0]) if self.placed else phone
        return await super().place_call(first, url, status_url)
