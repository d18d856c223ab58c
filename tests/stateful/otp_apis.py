"""The sign-in requests of both APIs, and what their responses say.

Parsing a response asserts its status and its whole shape. What an API does not say is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx

from domain.identities.device_token import parse_device_token
from domain.phone import PhoneNumber
from tests.stateful.http_driver import Client, HttpRequest
from tests.stateful.sign_in_model import RequestOutcome

_DELIVERY_FAILED: Final = "delivery_failed"
_RATE_LIMITED: Final = "rate_limited"
_TOO_MANY_ATTEMPTS: Final = "too_many_attempts"


@dataclass(frozen=True, slots=True)
class RequestOtpResponse:
    """The response to a request for a code; `outcomes` are all that it may mean."""

    outcomes: tuple[RequestOutcome, ...]
    request_id: str | None = None
    expires_in: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class VerifyOtpResponse:
    """The response to an attempt: a token, the attempts that are left, or a rate limit."""

    token: str | None = None
    attempts_left: int | None = None
    retry_after: int | None = None


class OtpApi(Protocol):
    """One of the two APIs."""

    has_request_ids: bool

    def request_otp(
        self, phone: PhoneNumber, client: Client, extra_fields: Mapping[str, str]
    ) -> HttpRequest: ...

    def verify_otp(
        self, phone: PhoneNumber, client: Client, code: str, request_id: str | None
    ) -> HttpRequest: ...

    def parse_request_otp(self, response: httpx.Response) -> RequestOtpResponse: ...

    def parse_verify_otp(self, response: httpx.Response) -> VerifyOtpResponse: ...


class MainOtpApi:
    """`/auth/…`."""

    has_request_ids = True

    def request_otp(
        self, phone: PhoneNumber, client: Client, extra_fields: Mapping[str, str]
    ) -> HttpRequest:
        # Ten digits are a number of the default region.
        body = {"phone": phone.e164.removeprefix("+1"), **extra_fields}
        return HttpRequest("POST", "/auth/request-otp", body, client=client)

    def verify_otp(
        self, phone: PhoneNumber, client: Client, code: str, request_id: str | None
    ) -> HttpRequest:
        body = {"phone": phone.e164, "otp": f"{code[:3]} {code[3:]}"}
        if request_id is not None:
            body["request_id"] = request_id
        return HttpRequest("POST", "/auth/verify-otp", body, client=client)

    def parse_request_otp(self, response: httpx.Response) -> RequestOtpResponse:
        body = response.json()
        match response.status_code:
            case 200:
                assert set(body) == {"message", "request_id", "sent", "expires_in", "resend_in"}
                assert body["message"] == "OTP sent"
                assert body["sent"] in (True, False)
                outcome = RequestOutcome.DELIVERED if body["sent"] else RequestOutcome.REFERRED
                return RequestOtpResponse(
                    (outcome,), body["request_id"], body["expires_in"], body["resend_in"]
                )
            case 400:
                assert set(body) == {"errors", "code", "field_errors"}
                assert (set(body["errors"]), body["code"]) == ({"phone"}, "invalid")
                [field_error] = body["field_errors"]
                assert field_error["field"] == "phone"
                assert field_error["code"] == "phone_unreachable"
                return RequestOtpResponse((RequestOutcome.INVALID_NUMBER,))
            case 503:
                _parse_retry_after(response, 503, _DELIVERY_FAILED)
                return RequestOtpResponse((RequestOutcome.DELIVERY_FAILED,))
        retry_after = _parse_retry_after(response, 429, _RATE_LIMITED)
        return RequestOtpResponse((RequestOutcome.RATE_LIMITED,), retry_after=retry_after)

    def parse_verify_otp(self, response: httpx.Response) -> VerifyOtpResponse:
        body = response.json()
        if response.status_code == 429:
            retry_after = _parse_retry_after(response, 429, _TOO_MANY_ATTEMPTS)
            return VerifyOtpResponse(retry_after=retry_after)
        assert response.status_code == 200
        if body["success"] is True:
            token: str = body.pop("access_token")
            assert parse_device_token(body.pop("device_token"))
            assert body == {
                "success": True,
                "message": "OTP verified",
                "token_type": "Bearer",
                "expires_in": 7_776_000,
            }
            return VerifyOtpResponse(token)
        attempts_left: int = body.pop("attempts_left")
        assert body == {"success": False, "message": "Invalid OTP"}
        return VerifyOtpResponse(attempts_left=attempts_left)


def _parse_retry_after(response: httpx.Response, status: int, code: str) -> int:
    """Return the seconds in the header and in the body, which are equal."""
    body: dict[str, Any] = response.json()
    assert set(body) == {"error", "code", "retry_after"}
    assert (response.status_code, body["code"]) == (status, code)
    seconds = int(response.headers["retry-after"])
    assert body["retry_after"] == seconds
    return seconds


class LegacyOtpApi:
    """`/authenticate/…`, whose texts clients compare."""

    has_request_ids = False

    _WRONG_CODE: Final = "permission denied/ 403 Forbidden: Invalid OTP or Validation failed "
    _RATE_LIMITED: Final = "Too many requests 429 Too Many Requests: "
    _BAD_REQUEST: Final = "Bad Request/ Data format incorrect 400 Bad Request: "
    _DELIVERY_FAILED: Final = (
        "Internal server error 500 Internal Server Error: unable to connect to message server :- "
    )

    def request_otp(
        self, phone: PhoneNumber, client: Client, extra_fields: Mapping[str, str]
    ) -> HttpRequest:
        body = {"phone": phone.e164.removeprefix("+"), **extra_fields}
        return HttpRequest("POST", "/authenticate/get_otp", body, client=client)

    def verify_otp(
        self, phone: PhoneNumber, client: Client, code: str, request_id: str | None
    ) -> HttpRequest:
        body = {"phone": f"{phone.e164[:2]}-{phone.e164[2:]}", "otp": code}
        return HttpRequest("POST", "/authenticate/validate_otp", body, client=client)

    def parse_request_otp(self, response: httpx.Response) -> RequestOtpResponse:
        match response.status_code:
            case 200:
                assert response.json() == {"message": "success", "exit_code": 0}
                return RequestOtpResponse((RequestOutcome.DELIVERED, RequestOutcome.REFERRED))
            case 400:
                _assert_legacy_error(response, 400, 4, self._BAD_REQUEST)
                return RequestOtpResponse((RequestOutcome.INVALID_NUMBER,))
            case 500:
                _assert_legacy_error(response, 500, 5, self._DELIVERY_FAILED)
                return RequestOtpResponse((RequestOutcome.DELIVERY_FAILED,))
        _assert_legacy_error(response, 429, 1, self._RATE_LIMITED)
        retry_after = int(response.headers["retry-after"])
        return RequestOtpResponse((RequestOutcome.RATE_LIMITED,), retry_after=retry_after)

    def parse_verify_otp(self, response: httpx.Response) -> VerifyOtpResponse:
        match response.status_code:
            case 200:
                body = response.json()
                token: str = body.pop("access_token")
                assert body == {"message": "success", "exit_code": 0}
                return VerifyOtpResponse(token)
            case 403:
                _assert_legacy_error(response, 403, 1, self._WRONG_CODE)
                assert response.json()["error"] == self._WRONG_CODE
                return VerifyOtpResponse()
        _assert_legacy_error(response, 429, 1, self._RATE_LIMITED)
        return VerifyOtpResponse(retry_after=int(response.headers["retry-after"]))


def _assert_legacy_error(
    response: httpx.Response, status: int, exit_code: int, prefix: str
) -> None:
    body: dict[str, Any] = response.json()
    assert response.status_code == status
    assert body.pop("error").startswith(prefix)
    assert body == {"exit_code": exit_code, "message": "failed", "status_code": status}
