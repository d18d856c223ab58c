"""Ask a URL about each login: the requests of docs/hooks.md."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

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
from application.features.login_hook import LoginHookFailed, LoginInquiry
from application.identities.additions import AllowLogin, RejectLogin
from application.identities.token_claims import claims_size
from domain.identities.claims import MAX_CLAIMS_BYTES
from domain.json_values import find_repeated_keys, has_nul
from domain.otp.delivery import Channel

TIMEOUT: Final = 3.0
"""Seconds for a decision, with the wait for a turn: a person waits for it."""
MAX_CONCURRENT: Final = 50
"""Requests at the same time, of this process: a hook that is slow is not flooded."""
TIMEOUTS: Final = Timeouts(connect=1.4, read=TIMEOUT, total=TIMEOUT, pool=0.5, idle=1.0)
_ID_PREFIX: Final = "login_"
_TEST_ID_PREFIX: Final = "login_test_"

_log = logging.getLogger(__name__)


class _Data(msgspec.Struct):
    user_id: str | None
    external_id: str | None
    channel: str
    country: str | None
    device: str | None
    is_device_recognized: bool
    phone: str | msgspec.UnsetType = msgspec.UNSET


class _Body(msgspec.Struct):
    type: str
    timestamp: str
    data: _Data


_TEST: Final = _Data(
    user_id=None,
    external_id=None,
    channel=Channel.SMS.value,
    country=None,
    device=None,
    is_device_recognized=False,
)


class _Allow(msgspec.Struct, tag_field="decision", tag="allow"):
    claims: dict[str, Any] = {}


class _Reject(msgspec.Struct, tag_field="decision", tag="reject"):
    # Without one, the client gets the text of the service.
    text: str = ""


class _WrongResponse(Exception):
    """A response that is no decision."""


class HttpLoginHook:
    """Post each question, signed. Only a 200 with a decision is one.

    Nothing is repeated here: the client sends its code again, and the hook gets the same id.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Sequence[str],
        transport: Transport,
        timeout: float = TIMEOUT,
    ) -> None:
        """Post to a URL. The log has the `name`, since the URL may be a secret."""
        self._name = name
        self._url = url
        self._webhooks = StandardWebhooks(secrets)
        self._transport = transport
        self._timeout = timeout
        self._turns = asyncio.Semaphore(MAX_CONCURRENT)

    async def ask(self, inquiry: LoginInquiry) -> AllowLogin | RejectLogin:
        data = _Data(
            user_id=inquiry.user_id,
            external_id=inquiry.external_id,
            channel=str(inquiry.channel),
            country=inquiry.country,
            # A lone surrogate cannot be encoded in UTF-8.
            device=inquiry.device and inquiry.device.encode(errors="replace").decode(),
            is_device_recognized=inquiry.is_device_recognized,
            phone=inquiry.phone or msgspec.UNSET,
        )
        webhook_id = f"{_ID_PREFIX}{inquiry.id}"
        try:
            return await self._ask(webhook_id, "login.pending", inquiry.asked_at, data)
        except LoginHookFailed as error:
            fields = {"provider": self._name, "webhook_id": webhook_id, "reason": str(error)}
            _log.warning({"event": "login_hook_failed", **fields})
            raise

    async def check(self) -> str:
        """Send a question that is about no login, and return what the decision is."""
        webhook_id = f"{_TEST_ID_PREFIX}{secrets.token_hex(8)}"
        decision = await self._ask(webhook_id, "login.test", datetime.now(UTC), _TEST)
        return "allow" if isinstance(decision, AllowLogin) else "reject"

    async def _ask(
        self, webhook_id: str, type_: str, asked_at: datetime, data: _Data
    ) -> AllowLogin | RejectLogin:
        # As in the API: milliseconds, and Z for UTC.
        timestamp = asked_at.astimezone(UTC).isoformat(timespec="milliseconds")
        body = msgspec.json.encode(_Body(type_, timestamp.replace("+00:00", "Z"), data))
        is_sent = False
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                is_sent = True
                signature = self._webhooks.sign(webhook_id, body, datetime.now(UTC))
                response = await self._transport.request(
                    "POST",
                    self._url,
                    content=body,
                    headers={"Content-Type": "application/json", **signature},
                )
        except ConnectionFailed as error:
            raise _failed(f"no connection ({error.reason})", error.details) from None
        except NoResponse as error:
            raise _failed("no response", error.details) from None
        except TimeoutError:
            reason = "no response in time" if is_sent else f"{MAX_CONCURRENT} logins wait for it"
            raise _failed(reason) from None
        try:
            return _parse(response)
        except _WrongResponse as error:
            raise _failed(str(error)) from None


def _failed(reason: str, details: str = "") -> LoginHookFailed:
    return LoginHookFailed(f"the login hook did not decide: {reason}", details)


def _parse(response: HttpResponse) -> AllowLogin | RejectLogin:
    """Return the decision. What the response says otherwise is dropped: it may have anything."""
    if response.status != 200:
        is_redirect = 300 <= response.status < 400
        note = ": redirects are not followed" if is_redirect else ""
        raise _WrongResponse(f"status {response.status}{note}")
    try:
        # Not the text of the response, in which bytes that are no UTF-8 are replaced: two claims
        # that differ could become the same.
        decision = msgspec.json.decode(response.body, type=_Allow | _Reject)
        repeated = find_repeated_keys(response.body, ("decision", "claims", "text"))
    except (ValueError, RecursionError):
        raise _WrongResponse("its response is no decision in JSON") from None
    if repeated:
        raise _WrongResponse(f"its response has a key twice in the field {next(iter(repeated))}")
    if isinstance(decision, _Reject):
        return RejectLogin(decision.text)
    if (size := claims_size(decision.claims)) > MAX_CLAIMS_BYTES:
        raise _WrongResponse(f"its claims have {size} bytes, more than {MAX_CLAIMS_BYTES}")
    if has_nul(decision.claims):
        raise _WrongResponse("its claims have a NUL (U+0000)")
    return AllowLogin(decision.claims)


@asynccontextmanager
async def open_http_login_hook(
    name: str, url: str, secrets: Sequence[str], *, timeouts: Timeouts = TIMEOUTS
) -> AsyncIterator[HttpLoginHook]:
    """Open a hook, without a request. It keeps connections until the block ends."""
    async with open_transport(timeouts) as transport:
        yield HttpLoginHook(name, url, secrets, transport, timeouts.total)
