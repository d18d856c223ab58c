"""Messages by an HTTP hook: a program of the operator that is called for each message."""

import hmac
import logging
import math
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import urljoin

import msgspec

from adapters.shared.http import (
    ConnectionFailed,
    HttpResponse,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)
from adapters.shared.standard_webhooks import StandardWebhooks
from application.ports.errors import ConfigurationError, MessengerUnavailable
from application.ports.otp import CodeMessage, DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.otp.delivery import ReportedStatus
from domain.phone import PhoneNumber

_PREFIX: Final = "sms_"
_RANDOM_BYTES: Final = 8
_RANDOM_LENGTH: Final = 2 * _RANDOM_BYTES
_ID_LENGTH: Final = 32


class MessageIds:
    """Make ids of `sms_` and 32 hex digits: half random, half a MAC of these and of the URL.

    A hook signs a status with the id of the message, and the signature does not cover the URL. By
    the MAC, the id is of no use at the URL of another message, or of another hook. A hook may use
    ids of its own: then only the URL, which no other party knows, says which message it is.
    """

    def __init__(self, keys: Sequence[str], hook_url: str) -> None:
        """Take the secrets of the hook, of which the first one makes ids."""
        self._keys = [key.encode() for key in keys]
        self._hook_url = hook_url

    def make(self, status_url: str) -> str:
        """Return a new id for a message with this URL, which may be empty."""
        random = secrets.token_hex(_RANDOM_BYTES)
        return _PREFIX + random + self._authenticate(self._keys[0], random, status_url)

    def verify(self, message_id: str, status_url: str) -> bool:
        """Return whether an id was made for a message with this URL, or not here at all."""
        if not message_id.startswith(_PREFIX):
            return True
        digits = message_id.removeprefix(_PREFIX)
        random, mac = digits[:_RANDOM_LENGTH], digits[_RANDOM_LENGTH:].encode()
        return any(
            hmac.compare_digest(self._authenticate(key, random, status_url).encode(), mac)
            for key in self._keys
        )

    def _authenticate(self, key: bytes, random: str, status_url: str) -> str:
        message = "\n".join((random, self._hook_url, status_url)).encode()
        return hmac.digest(key, message, "sha256").hex()[: _ID_LENGTH - _RANDOM_LENGTH]


# Some servers keep an idle connection for two seconds only (Gunicorn), many for five (Node.js).
HOOK_TIMEOUTS: Final = Timeouts(connect=2.0, read=5.0, total=5.0, pool=0.5, idle=1.0)
SUCCESS_TTL: Final = 30.0
"""Seconds for which a success of the health check is kept: each check is a request to the hook."""
_CHANNEL: Final = "sms"
_MAX_LOGGED_LENGTH: Final = 200
_PROVIDER_ID: Final = re.compile(r"[A-Za-z0-9_.:=/+-]{1,100}")

# What the hook says is for the log only: it may have anything in it.
_NOT_REACHED: Final = "The message service cannot be reached; try again shortly."
_NOT_CONFIRMED: Final = "The message service did not confirm that it took the message ({})."
_ERRORS: Final = {
    "rejected": DeliveryResult(
        DeliveryStatus.REJECTED,
        "The message service rejected the message.",
        error_code="rejected",
    ),
    "unavailable": DeliveryResult(
        DeliveryStatus.UNAVAILABLE,
        "The message service is unavailable; try again shortly.",
        error_code="unavailable",
    ),
    "invalid_number": DeliveryResult(
        DeliveryStatus.INVALID_NUMBER,
        "Text messages do not reach this number; check it, or use another number.",
        error_code="invalid_number",
    ),
}

_log = logging.getLogger(__name__)


class _Message(msgspec.Struct):
    message_id: str
    phone: str
    country: str
    text: str
    locale: str | None
    channel: str
    purpose: str | None
    status_url: str | None


class _Accepted(msgspec.Struct):
    provider_id: str | int = ""


class _Error(msgspec.Struct):
    code: Literal["rejected", "unavailable", "invalid_number"]
    # It is for the log only, so any value will do.
    message: Any = None


class _Rejected(msgspec.Struct):
    error: _Error


class _Status(msgspec.Struct):
    status: ReportedStatus
    error_code: str | int | None = None


class HookMessenger:
    """Post messages to a hook; a message is never sent twice."""

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Sequence[str],
        transport: Transport,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Post to a URL. The log has the `name`, since the URL may be a secret."""
        self._name = name
        self._url = url
        self._webhooks = StandardWebhooks(secrets)
        self._message_ids = MessageIds(secrets, url)
        self._transport = transport
        self._now = now
        self._is_connected_until = -math.inf

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        posted = _Message(
            message_id=self._message_ids.make(message.status_url),
            phone=phone.e164,
            country=phone.country,
            # A lone surrogate cannot be encoded in UTF-8.
            text=message.text.encode(errors="replace").decode(),
            locale=message.requested_locale,
            channel=_CHANNEL,
            purpose=message.purpose if isinstance(message, CodeMessage) else None,
            status_url=message.status_url or None,
        )
        body = msgspec.json.encode(posted)
        headers = {
            "Content-Type": "application/json",
            **self._webhooks.sign(posted.message_id, body, datetime.now(UTC)),
        }
        try:
            response = await self._transport.request(
                "POST", self._url, content=body, headers=headers
            )
        except ConnectionFailed as error:
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, _NOT_REACHED, details=error.details)
        except NoResponse as error:
            reason = _NOT_CONFIRMED.format("no response")
            return DeliveryResult(DeliveryStatus.UNKNOWN, reason, details=error.details)
        result = self._to_result(response)
        if result.provider_message_id:
            return result
        # So that an operator finds it in the log of the hook.
        return replace(result, provider_message_id=posted.message_id)

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        # The `webhook-id` is the id of the message, or one that the hook has made.
        message_id = request.headers.get("webhook-id", "")
        if not self._webhooks.verify(request.headers, request.body):
            return None
        if not self._message_ids.verify(message_id, request.url):
            return None
        try:
            report = msgspec.json.decode(request.json_text, type=_Status)
        except (ValueError, RecursionError):
            return None
        return [MessageStatus(report.status, str(report.error_code or ""))]

    async def check(self) -> None:
        """Check that there is a connection to the hook.

        Raises:
            MessengerUnavailable: no connection; the message says why.
        """
        if self._now() < self._is_connected_until:
            return
        try:
            await self._connect()
        except ConnectionFailed as error:
            reason = f"{_NOT_REACHED} ({error.reason})"
            raise MessengerUnavailable(reason, error.details) from None
        self._is_connected_until = self._now() + SUCCESS_TTL

    async def check_connection(self) -> str:
        """Return a note or an empty text if there is a connection to the hook.

        Raises:
            ConfigurationError: no connection.
        """
        try:
            is_answered = await self._connect()
        except ConnectionFailed as error:
            raise ConfigurationError(
                f"There is no connection to the hook {self._name} ({error.reason}): check its URL, "
                "its certificate and the network."
            ) from None
        return "no message was sent" if is_answered else "connected; a HEAD request got no response"

    async def _connect(self) -> bool:
        """Connect, and return whether there was a response.

        Any response will do, and none too: a hook has to answer messages only. The path is that of
        no hook, so that nothing is taken for a message.
        """
        try:
            await self._transport.request("HEAD", urljoin(self._url, "/"))
        except NoResponse:
            return False
        return True

    def _to_result(self, response: HttpResponse) -> DeliveryResult:
        if 200 <= response.status < 300:
            return DeliveryResult(
                DeliveryStatus.ACCEPTED, provider_message_id=_parse_provider_id(response.text)
            )
        error = _parse_error(response.text) if response.status >= 400 else None
        is_named = error is not None and (response.status < 500 or error.code == "unavailable")
        if error is None or not is_named:
            reason = _NOT_CONFIRMED.format(f"status {response.status}")
            return DeliveryResult(DeliveryStatus.UNKNOWN, reason)
        _log.warning(
            {
                "event": "hook_rejected_message",
                "provider": self._name,
                "error_code": error.code,
                "reason": _hide_digits(str(error.message or "")),
            }
        )
        return _ERRORS[error.code]


def _parse_provider_id(body: str) -> str:
    try:
        provider_id = str(msgspec.json.decode(body, type=_Accepted).provider_id)
    except (ValueError, RecursionError):
        return ""
    return provider_id if _PROVIDER_ID.fullmatch(provider_id) else ""


def _parse_error(body: str) -> _Error | None:
    try:
        return msgspec.json.decode(body, type=_Rejected).error
    except (ValueError, RecursionError):
        return None


def _hide_digits(text: str) -> str:
    """Return a text that has no phone number and no code: the hook may repeat the message."""
    return re.sub(r"\d", "*", text[:_MAX_LOGGED_LENGTH])


@asynccontextmanager
async def open_hook_messenger(
    name: str, url: str, secrets: Sequence[str], *, timeouts: Timeouts = HOOK_TIMEOUTS
) -> AsyncIterator[HookMessenger]:
    """Open a messenger, without a request. It keeps connections until the block ends."""
    async with open_transport(timeouts) as transport:
        yield HookMessenger(name, url, secrets, transport)
