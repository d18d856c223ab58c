"""A phone line whose provider signs the body of a request, and not its URL."""

import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from application.features.voice.ports import Markup, WebhookFields
from application.ports.webhooks import SignatureCoverage, SignedRequest
from domain.features.voice.instructions import Instruction, Position
from domain.features.voice.step import Continued
from domain.phone import parse_phone
from tests.support.fakes.call_provider import FakeCallProvider


class UnsignedVoice(FakeCallProvider):
    """Its requests and documents are JSON."""

    signature_coverage: Final = SignatureCoverage(url=False, time=False)

    def sign(self, body: bytes) -> str:
        return hmac.digest(b"key", body, "sha256").hex()

    def verify(self, request: SignedRequest) -> bool:
        return hmac.compare_digest(self.sign(request.body), request.headers.get("signature", ""))

    def parse(self, request: SignedRequest) -> WebhookFields:
        call: dict[str, Any] = json.loads(request.body)
        return WebhookFields(
            provider_call_id=call["call"],
            caller=parse_phone(call["from"], rules=None),
            called=parse_phone(call["to"], rules=None),
            event=Continued(),
            call_status=None,
            message_status=None,
            error_code="",
        )

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        return Markup("application/json", "{}")
