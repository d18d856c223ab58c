"""Phone lines that break one promise each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from application.features.voice.ports import Markup, WebhookFields
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.webhooks import SignedRequest
from domain.features.voice.call import CallStatus
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
class FormerStatusUrl(RightVoice):
    """Each call has the URL for the status of the one before."""

    former = ""

    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        former, self.former = self.former, status_url
        return await super().place_call(phone, url, former)


@breaks(
    calls.test_an_account_that_is_refused_is_unavailable_and_no_invalid_number,
    "the provider refuses the account and not the number",
)
class EveryErrorAnInvalidNumber(RightVoice):
    async def place_call(self, phone: PhoneNumber, url: str, status_url: str) -> DeliveryResult:
        result = await super().place_call(phone, url, status_url)
        is_accepted = result.status is DeliveryStatus.ACCEPTED
        return result if is_accepted else replace(result, status=DeliveryStatus.INVALID_NUMBER)


@breaks(parser.test_a_call_has_the_status_that_is_reported, "COMPLETED.* for a call that is busy")
class EveryEndCompleted(RightVoice):
    def parse(self, request: SignedRequest) -> WebhookFields:
        fields = super().parse(request)
        is_over = fields.call_status is not None and fields.call_status.is_final
        return replace(fields, call_status=CallStatus.COMPLETED) if is_over else fields
