"""The Vonage messenger."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from adapters.messages.vonage.client import REQUEST_ERRORS, ApiProblem, VonageClient
from adapters.messages.vonage.error_codes import NO_RESPONSE, UNREACHABLE, find_reason, to_result
from adapters.messages.vonage.signatures import VonageSignatures
from adapters.messages.vonage.tokens import ApplicationTokens
from adapters.shared.account_health_check import AccountHealthCheck
from adapters.shared.http import ConnectionFailed, Timeouts, open_transport
from application.ports.otp import CodeMessage, DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.otp.delivery import ReportedStatus
from domain.phone import PhoneNumber

_STATUSES: Final = {
    # Vonage has passed the message on to a carrier.
    "submitted": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "read": ReportedStatus.DELIVERED,
    # Vonage, a carrier or the phone did not take it, or its time to live is over.
    "rejected": ReportedStatus.UNDELIVERED,
    # There was no connection to a carrier.
    "undeliverable": ReportedStatus.FAILED,
}


class _Report(msgspec.Struct):
    """A status. A message that somebody sent has other fields, and no `status`."""

    status: Any = None
    message_uuid: Any = None
    client_ref: Any = None
    error: Any = None


def read_message_statuses(body: str) -> list[MessageStatus]:
    """Return the statuses of a message in a body; empty if it has none."""
    report = msgspec.json.decode(body, type=_Report)
    status = _STATUSES.get(report.status) if isinstance(report.status, str) else None
    if status is None:
        return []
    code = _read_error_code(report.error)
    return [
        MessageStatus(
            status,
            error_code=code,
            provider_message_id=_text(report.message_uuid),
            reference=_text(report.client_ref),
            is_unreachable=status.is_failure and code in UNREACHABLE,
            reason=find_reason(code),
        )
    ]


def _read_error_code(error: Any) -> str:
    # The statuses in the tests of some of Vonage's libraries have one `error` in another.
    inner = error.get("error", error) if isinstance(error, dict) else error
    try:
        return msgspec.convert(inner, ApiProblem).code or ""
    except msgspec.ValidationError:
        return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


class VonageHealthCheck(AccountHealthCheck):
    """Check that Vonage responds, accepts the credentials and that the account has credit."""

    def __init__(self, client: VonageClient, now: Callable[[], float]) -> None:
        super().__init__(now, NO_RESPONSE)
        self._client = client

    async def _find_failure(self) -> str | None:
        try:
            await self._client.check_access()
        except ConnectionFailed as error:
            return f"{to_result(error).reason} ({error.reason})"
        except REQUEST_ERRORS as error:
            return to_result(error).reason
        return None


class VonageMessenger:
    """Send text messages by Vonage; a message is never sent twice."""

    signature_coverage: Final = VonageSignatures.signature_coverage

    def __init__(
        self,
        client: VonageClient,
        sender: str,
        health_check: VonageHealthCheck,
        signatures: VonageSignatures,
    ) -> None:
        """Send from a phone number without +, a short code or a name."""
        self._client = client
        self._sender = sender
        self._health_check = health_check
        self._signatures = signatures

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        try:
            message_uuid = await self._client.create_message(self._to_request(phone, message))
        except REQUEST_ERRORS as error:
            return to_result(error)
        return DeliveryResult(DeliveryStatus.ACCEPTED, provider_message_id=message_uuid)

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        if not self._signatures.verify(request):
            return None
        try:
            return read_message_statuses(request.json_text)
        except (ValueError, RecursionError):
            return None

    async def check(self) -> None:
        await self._health_check.check()

    def _to_request(self, phone: PhoneNumber, message: TextMessage) -> dict[str, Any]:
        request: dict[str, Any] = {
            "channel": "sms",
            "message_type": "text",
            "to": phone.e164.removeprefix("+"),
            "from": self._sender,
            # A lone surrogate cannot be encoded in UTF-8.
            "text": message.text.encode(errors="replace").decode(),
            # GSM 03.38 where it has all characters, else UCS-2.
            "sms": {"encoding_type": "auto"},
        }
        if isinstance(message, CodeMessage):
            # A code that arrives later is of no use. A lifetime has at least a second.
            request["ttl"] = max(1, int(message.lifetime.total_seconds()))
        if message.reference:
            request["client_ref"] = message.reference
        if message.status_url:
            # The signature does not cover the query, so nothing in it would count.
            url = urlsplit(message.status_url)._replace(query="").geturl()
            request |= {"webhook_url": url, "webhook_version": "v1"}
        return request


@asynccontextmanager
async def open_vonage_messenger(
    application_id: str,
    private_key: str,
    *,
    sender: str,
    signature_secrets: Sequence[str],
    api_base: str | None = None,
    timeouts: Timeouts | None = None,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[VonageMessenger]:
    """Open a messenger, without a request. It keeps connections until the block ends.

    The private key is in PEM. There are two `signature_secrets` while one is replaced. `api_base`
    is the URL of a regional host, or of a server to use instead of Vonage.
    """
    async with open_transport(timeouts or Timeouts()) as transport:
        client = VonageClient(ApplicationTokens(application_id, private_key), api_base, transport)
        yield VonageMessenger(
            client,
            sender,
            VonageHealthCheck(client, now),
            VonageSignatures(application_id, signature_secrets),
        )
