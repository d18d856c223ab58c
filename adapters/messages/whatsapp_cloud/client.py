"""Meta's WhatsApp Cloud API, by HTTP: the parts of the Graph API that codes need."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from adapters.shared.causes import code_of
from adapters.shared.http import ConnectionFailed, NoResponse, Transport

T = TypeVar("T")

API_VERSION: Final = "v25.0"
"""Version of the Graph API. Requests to an ended version get the oldest one that is left
(https://developers.facebook.com/docs/graph-api/guides/versioning).
"""
# A template has about 1 kB, and `Transport` reads 64 kB of a response.
_PAGE_SIZE: Final = 25
# Meta has some 70 languages, and its search may find names that only contain the one in question.
_MAX_PAGES: Final = 20
_TEMPLATE_FIELDS: Final = "name,language,status,category,components,message_send_ttl_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppAccount:
    """The account of an operator at Meta.

    Attributes:
        access_token: Token of a system user; each request has it.
        app_secrets: Sign webhooks: two while one is replaced.
        verify_token: Proves that Meta checks the webhook for this operator.
        languages: Languages of the template, as Meta writes them; the first is the default.
    """

    access_token: str = field(repr=False)
    phone_number_id: str
    business_account_id: str
    app_secrets: Sequence[str] = field(repr=False)
    verify_token: str = field(repr=False)
    template: str
    languages: Sequence[str]
    api_url: str


class CloudApiError(Exception):
    """A request failed, as its response says.

    Attributes:
        code: Meta's error code, None if the response has none: then it may not be from Meta.
        details: What Meta says about it. It may quote the request.
    """

    def __init__(self, status: int, code: int | None = None, details: str = "") -> None:
        super().__init__()
        self.status = status
        self.code = code
        self.details = details


class InvalidCloudApiResponse(Exception):
    """A response with a success status whose body is not the documented resource."""


@code_of.register
def _(error: CloudApiError) -> str:
    parts = (error.status, error.code)
    return " ".join(str(part) for part in parts if part is not None)


REQUEST_ERRORS: Final = (CloudApiError, InvalidCloudApiResponse, ConnectionFailed, NoResponse)


class _ErrorData(msgspec.Struct):
    # It is for operators only, so any value will do.
    details: Any = None


class _Error(msgspec.Struct):
    code: int
    error_data: _ErrorData | None = None


class _Failed(msgspec.Struct):
    error: _Error


class _Message(msgspec.Struct):
    id: str


class _Sent(msgspec.Struct):
    messages: list[_Message]


class _PhoneNumber(msgspec.Struct):
    id: str


class _Cursors(msgspec.Struct):
    after: str = ""


class _Paging(msgspec.Struct):
    cursors: _Cursors | None = None
    next: str = ""


class Button(msgspec.Struct):
    """A button of a template. A code's button is created as `otp` and returned as `URL`."""

    type: str = ""


class Component(msgspec.Struct):
    """A part of a template; a footer may say after how many minutes the code expires."""

    type: str = ""
    buttons: list[Button] | None = None
    code_expiration_minutes: int | None = None


class Template(msgspec.Struct):
    """A template in one language.

    `message_send_ttl_seconds` is for how long Meta tries to deliver a message; None for its default
    of ten minutes, -1 for 30 days.
    """

    name: str
    language: str
    status: str = ""
    category: str = ""
    components: list[Component] | None = None
    message_send_ttl_seconds: int | None = None


class _Templates(msgspec.Struct):
    data: list[Template]
    paging: _Paging | None = None


class _Apps(msgspec.Struct):
    data: list[Any]


class WhatsAppClient:
    """Requests to the Graph API. Every method raises one of `REQUEST_ERRORS`."""

    def __init__(self, account: WhatsAppAccount, transport: Transport) -> None:
        self.transport = transport
        self.account = account
        self._headers = {"Authorization": f"Bearer {account.access_token}"}

    async def send_message(self, message: object) -> str:
        path = f"{self.account.phone_number_id}/messages"
        sent = await self._request("POST", path, _Sent, message)
        if not sent.messages or not sent.messages[0].id:
            raise InvalidCloudApiResponse
        return sent.messages[0].id

    async def check_phone_number(self) -> None:
        """Check that the account has the number; this request is free of charge."""
        number_id = self.account.phone_number_id
        found = await self._request("GET", f"{number_id}?fields=id", _PhoneNumber)
        if found.id != number_id:
            raise InvalidCloudApiResponse

    async def list_templates(self) -> dict[str, Template]:
        account, after = self.account, ""
        found: dict[str, Template] = {}
        for _ in range(_MAX_PAGES):
            query = {"name": account.template, "fields": _TEMPLATE_FIELDS, "limit": str(_PAGE_SIZE)}
            query |= {"after": after} if after else {}
            path = f"{account.business_account_id}/message_templates?{urlencode(query)}"
            page = await self._request("GET", path, _Templates)
            found |= {each.language: each for each in page.data if each.name == account.template}
            paging = page.paging or _Paging()
            after = paging.cursors.after if paging.cursors and paging.next else ""
            if not after:
                break
        return found

    async def has_subscribed_app(self) -> bool:
        """Return whether an app gets the webhooks of the business account."""
        path = f"{self.account.business_account_id}/subscribed_apps"
        return bool((await self._request("GET", path, _Apps)).data)

    async def _request(
        self, method: str, path: str, expected: type[T], body: object | None = None
    ) -> T:
        url, headers, content = f"{self.account.api_url}/{API_VERSION}/{path}", self._headers, None
        if body is not None:
            content = msgspec.json.encode(body)
            headers = {**headers, "Content-Type": "application/json"}
        response = await self.transport.request(method, url, content=content, headers=headers)
        if 200 <= response.status < 300:
            with suppress(InvalidCloudApiResponse):
                return _parse(response.body, expected)
        # The code decides, whatever the status.
        try:
            error = _parse(response.body, _Failed).error
        except InvalidCloudApiResponse:
            raise CloudApiError(response.status) from None
        details = error.error_data.details if error.error_data else ""
        raise CloudApiError(response.status, error.code, str(details or ""))


def _parse(body: bytes, expected: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=expected)
    # RecursionError: JSON that is nested too deeply.
    except (ValueError, RecursionError):
        raise InvalidCloudApiResponse from None
