"""Meta's webhooks: the handshake, the signature, and what became of messages.

- https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
- https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status

Meta repeats a webhook for up to seven days until it gets a 200, in no order.
"""

import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from adapters.messages.whatsapp_cloud.error_codes import UNREACHABLE, find_reason
from adapters.messages.whatsapp_cloud.message_ids import without_number
from application.ports.webhooks import (
    MAX_HANDSHAKE_LENGTH,
    MessageStatus,
    SignatureCoverage,
    SignedRequest,
)
from domain.otp.delivery import ReportedStatus

T = TypeVar("T")

_SIGNATURE: Final = "x-hub-signature-256"
_ACCOUNT: Final = "whatsapp_business_account"
_MESSAGES: Final = "messages"
_CHALLENGE: Final = re.compile(rf"[ -~]{{1,{MAX_HANDSHAKE_LENGTH}}}")
# A message that is read at once is not reported as delivered. `played` is for voice messages.
_STATUSES: Final = {
    "sent": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "read": ReportedStatus.DELIVERED,
    "failed": ReportedStatus.FAILED,
}


class _Error(msgspec.Struct):
    code: int = 0


class _Status(msgspec.Struct):
    id: str = ""
    status: str = ""
    biz_opaque_callback_data: str | None = None
    errors: list[msgspec.Raw] | None = None


class _Metadata(msgspec.Struct):
    phone_number_id: str = ""


class _Value(msgspec.Struct):
    # What people write is in other fields, which are skipped.
    metadata: _Metadata | None = None
    statuses: list[msgspec.Raw] | None = None


class _Change(msgspec.Struct):
    field: str = ""
    value: msgspec.Raw = msgspec.Raw()


class _Entry(msgspec.Struct):
    changes: list[msgspec.Raw] = []


class _Webhook(msgspec.Struct):
    object: str
    entry: list[msgspec.Raw] = []


class WhatsAppWebhooks:
    """Answer Meta's handshake, and read what it reports of the messages of one number.

    - The signature is checked before the body is parsed. It covers neither the URL nor a time.
    - An app has one URL for all its numbers: what concerns another number is dropped.
    - What people write to the number is skipped: it is neither read nor kept.
    """

    signature_coverage: Final = SignatureCoverage(url=False, time=False)

    def __init__(self, phone_number_id: str, app_secrets: Sequence[str], verify_token: str) -> None:
        """Accept all secrets: there are two while one is replaced. An empty one signs nothing."""
        self._phone_number_id = phone_number_id
        self._secrets = [secret.encode() for secret in app_secrets if secret]
        self._verify_token = verify_token.encode()

    def answer_handshake(self, request: SignedRequest) -> str | None:
        """Return the challenge if the request has the operator's verify token."""
        try:
            pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
        except ValueError:
            return None
        fields = dict(pairs)
        if not self._verify_token or len(fields) < len(pairs):
            return None
        token = fields.get("hub.verify_token", "").encode(errors="replace")
        is_known = hmac.compare_digest(token, self._verify_token)
        if not is_known or fields.get("hub.mode") != "subscribe":
            return None
        challenge = fields.get("hub.challenge", "")
        return challenge if _CHALLENGE.fullmatch(challenge) else None

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        """Return the statuses of our messages, or None if the request is not authentic."""
        if not self._is_signed(request):
            return None
        try:
            webhook = msgspec.json.decode(request.json_text, type=_Webhook)
            if webhook.object != _ACCOUNT:
                return []
            return list(self._statuses(webhook))
        # RecursionError: JSON that is nested too deeply.
        except (ValueError, RecursionError):
            return None

    def _is_signed(self, request: SignedRequest) -> bool:
        signature = request.headers.get(_SIGNATURE, "").encode(errors="replace")
        # All are compared, so that the time does not depend on which one is right.
        matches = [
            hmac.compare_digest(
                f"sha256={hmac.digest(secret, request.body, 'sha256').hex()}".encode(), signature
            )
            for secret in self._secrets
        ]
        return any(matches)

    def _statuses(self, webhook: _Webhook) -> Iterator[MessageStatus]:
        entries = _decode_each(webhook.entry, _Entry)
        changes = _decode_each((each for entry in entries for each in entry.changes), _Change)
        of_messages = (change.value for change in changes if change.field == _MESSAGES)
        for value in _decode_each(of_messages, _Value):
            is_ours = value.metadata and value.metadata.phone_number_id == self._phone_number_id
            for status in _decode_each((value.statuses or ()) if is_ours else (), _Status):
                # Another program may send from the same number.
                if status.biz_opaque_callback_data:
                    yield _to_message_status(status)


def _decode_each(parts: Iterable[msgspec.Raw], expected: type[T]) -> Iterator[T]:
    """Decode those that are as documented. Others say nothing of those beside them.

    A number may be a text.
    """
    for encoded in parts:
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(encoded, type=expected, strict=False)


def _to_message_status(status: _Status) -> MessageStatus:
    reported = _STATUSES.get(status.status)
    code = next((error.code for error in _decode_each(status.errors or (), _Error)), 0)
    return MessageStatus(
        reported,
        str(code) if code else "",
        provider_message_id=without_number(status.id),
        reference=status.biz_opaque_callback_data or "",
        is_unreachable=reported is ReportedStatus.FAILED and code in UNREACHABLE,
        reason=find_reason(code) if code else "",
    )
