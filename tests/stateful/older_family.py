from collections.abc import Mapping
from typing import Any, Final

import httpx

from domain.phone import PhoneNumber
from tests.stateful.calls import Call, Principal
from tests.stateful.families import ToldOfAnswer, ToldOfAsk
from tests.stateful.sign_in_model import Asked

_WRONG: Final = "permission denied/ 403 Forbidden: Invalid OTP or Validation failed "
_TOO_MANY: Final = "Too many requests 429 Too Many Requests: "
_NOT_HANDED_OVER: Final = (
    "Internal server error 500 Internal Server Error: unable to connect to message server :- "
)


class OlderFamily:
    """`/authenticate/…`, to the letter."""

    has_ids = False

    def ask(self, phone: PhoneNumber, principal: Principal, extras: Mapping[str, str]) -> Call:
        body = {"phone": phone.e164.removeprefix("+"), **extras}
        return Call("POST", "/authenticate/get_otp", body, forwarded=principal.forwarded)

    def answer(
        self, phone: PhoneNumber, principal: Principal, code: str, request_id: str | None
    ) -> Call:
        body = {"phone": f"{phone.e164[:2]}-{phone.e164[2:]}", "otp": code}
        return Call("POST", "/authenticate/validate_otp", body, forwarded=principal.forwarded)

    def read_ask(self, answer: httpx.Response) -> ToldOfAsk:
        match answer.status_code:
            case 200:
                assert answer.json() == {"message": "success", "exit_code": 0}
                return ToldOfAsk((Asked.SENT, Asked.REPEATED))
            case 400:
                _failed(answer, 400, 4, "Bad Request/ Data format incorrect 400 Bad Request: ")
                return ToldOfAsk((Asked.BAD_NUMBER,))
            case 500:
                _failed(answer, 500, 5, _NOT_HANDED_OVER)
                return ToldOfAsk((Asked.NOT_TAKEN,))
        _failed(answer, 429, 1, _TOO_MANY)
        return ToldOfAsk((Asked.TOO_MANY,), again_in=int(answer.headers["retry-after"]))

    def read_answer(self, answer: httpx.Response) -> ToldOfAnswer:
        match answer.status_code:
            case 200:
                body = answer.json()
                token: str = body.pop("access_token")
                assert body == {"message": "success", "exit_code": 0}
                return ToldOfAnswer(token)
            case 403:
                _failed(answer, 403, 1, _WRONG)
                assert answer.json()["error"] == _WRONG
                return ToldOfAnswer()
        _failed(answer, 429, 1, _TOO_MANY)
        return ToldOfAnswer(again_in=int(answer.headers["retry-after"]))


def _failed(answer: httpx.Response, status: int, exit_code: int, prefix: str) -> None:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status
    assert body.pop("error").startswith(prefix)
    assert body == {"exit_code": exit_code, "message": "failed", "status_code": status}
