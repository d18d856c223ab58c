"""Vonage's Messages API, by HTTP: https://developer.vonage.com/en/api/messages.

The `vonage` package has a client too. It repeats requests, is not asynchronous and brings pydantic
models of all of Vonage's APIs.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from adapters.messages.vonage.tokens import ApplicationTokens
from adapters.shared.causes import code_of
from adapters.shared.http import ConnectionFailed, HttpResponse, NoResponse, Transport

_API_BASE: Final = "https://api.nexmo.com"
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MESSAGE_UUID: Final = re.compile(r"[0-9A-Za-z-]{8,64}")


class VonageError(Exception):
    """A request failed, as its response says.

    Attributes:
        code: The code of an error of Vonage's own (https://developer.vonage.com/en/api-errors):
            the end of its `type`, such as 1150 or low-balance; None if the response is not
            Vonage's, but of something in between.
    """

    def __init__(
        self, status: int, code: str | None = None, parameters: frozenset[str] = frozenset()
    ) -> None:
        super().__init__()
        self.status = status
        self.code = code
        self.parameters = parameters


class UndocumentedResponse(Exception):
    """A response with a success status whose body is not the documented one."""


@code_of.register
def _(error: VonageError) -> str:
    return " ".join(filter(None, (str(error.status), error.code)))


REQUEST_ERRORS: Final = (VonageError, UndocumentedResponse, ConnectionFailed, NoResponse)


class ProblemParameter(msgspec.Struct):
    """A parameter that an error is about."""

    name: Any = None


class ApiProblem(msgspec.Struct):
    """An error in a response or in a status (RFC 7807).

    The title is a text in responses, and the number of the error in statuses.
    """

    type: Any = None
    title: Any = None
    invalid_parameters: Any = None

    @property
    def code(self) -> str | None:
        """The code of the error; empty if it has none, None if the error is not Vonage's."""
        if not isinstance(self.type, str) and not isinstance(self.title, str | int):
            return None
        of_type = self.type.rpartition("#")[2] if isinstance(self.type, str) else ""
        for text in (of_type, str(self.title)):
            if _NUMBER.fullmatch(text):
                return text
        return of_type if _NAME.fullmatch(of_type) else ""

    @property
    def parameters(self) -> frozenset[str]:
        with suppress(msgspec.ValidationError):
            listed = msgspec.convert(self.invalid_parameters, list[ProblemParameter])
            return frozenset(each.name for each in listed if isinstance(each.name, str))
        return frozenset()


class _Accepted(msgspec.Struct):
    message_uuid: str


class VonageClient:
    """The part of the Messages API that messages need.

    Every method raises one of `REQUEST_ERRORS`. Each request has a new token.
    """

    def __init__(
        self, tokens: ApplicationTokens, api_base: str | None, transport: Transport
    ) -> None:
        """Send requests to `api_base`, or to Vonage's usual host if it is None."""
        self.transport = transport
        self._tokens = tokens
        self._url = f"{api_base or _API_BASE}/v1/messages"

    async def create_message(self, message: Mapping[str, Any]) -> str:
        response = await self._post(message)
        try:
            message_uuid = msgspec.json.decode(response.body, type=_Accepted).message_uuid
        # RecursionError: JSON that is nested too deeply.
        except (ValueError, RecursionError):
            raise UndocumentedResponse from None
        if not _MESSAGE_UUID.fullmatch(message_uuid):
            raise UndocumentedResponse
        return message_uuid

    async def check_access(self) -> None:
        """Check that Vonage accepts the tokens and that the account could send.

        No request that only reads accepts the token of an application. A message without any field
        cannot be sent and is free of charge: the error is 401 without access, 402 without credit,
        and otherwise that of an invalid message.
        """
        try:
            await self._post({})
        except VonageError as error:
            if error.status not in (400, 422) or error.code is None:
                raise
        else:
            raise UndocumentedResponse

    async def _post(self, message: Mapping[str, Any]) -> HttpResponse:
        response = await self.transport.request(
            "POST",
            self._url,
            content=msgspec.json.encode(message),
            headers={
                "Authorization": f"Bearer {self._tokens.sign()}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        if 200 <= response.status < 300:
            return response
        try:
            problem = msgspec.json.decode(response.body, type=ApiProblem)
        except (ValueError, RecursionError):
            raise VonageError(response.status) from None
        raise VonageError(response.status, problem.code, problem.parameters)
