from collections.abc import Mapping
from typing import Any

import httpx

from domain.phone import PhoneNumber
from tests.stateful.calls import Call, Principal
from tests.stateful.families import ToldOfAnswer, ToldOfAsk
from tests.stateful.sign_in_model import Asked


class MainFamily:
    """`/auth/…`."""

    has_ids = True

    def ask(self, phone: PhoneNumber, principal: Principal, extras: Mapping[str, str]) -> Call:
        # Ten digits are a number of the default region.
        body = {"phone": phone.e164.removeprefix("+1"), **extras}
        return Call("POST", "/auth/request-otp", body, forwarded=principal.forwarded)

    def answer(
        self, phone: PhoneNumber, principal: Principal, code: str, request_id: str | None
    ) -> Call:
        body = {"phone": phone.e164, "otp": f"{code[:3]} {code[3:]}"}
        if request_id is not None:
            body["request_id"] = request_id
        return Call("POST", "/auth/verify-otp", body, forwarded=principal.forwarded)

    def read_ask(self, answer: httpx.Response) -> ToldOfAsk:
        body = answer.json()
        match answer.status_code:
            case 200:
                assert set(body) == {"message", "request_id", "sent", "expires_in", "resend_in"}
                assert body["message"] == "OTP sent"
                became = Asked.SENT if body["sent"] is True else Asked.REPEATED
                assert body["sent"] in (True, False)
                return ToldOfAsk(
                    (became,), body["request_id"], body["expires_in"], body["resend_in"]
                )
            case 400:
                assert set(body) == {"errors", "code"}
                assert (set(body["errors"]), body["code"]) == ({"phone"}, "phone_unreachable")
                return ToldOfAsk((Asked.BAD_NUMBER,))
            case 503:
                _refused(answer, "delivery_failed")
                return ToldOfAsk((Asked.NOT_TAKEN,))
        return ToldOfAsk((Asked.TOO_MANY,), again_in=_refused(answer, "rate_limited"))

    def read_answer(self, answer: httpx.Response) -> ToldOfAnswer:
        body = answer.json()
        if answer.status_code == 429:
            return ToldOfAnswer(again_in=_refused(answer, "too_many_attempts"))
        assert answer.status_code == 200
        if body["success"] is True:
            token: str = body.pop("access_token")
            assert body == {
                "success": True,
                "message": "OTP verified",
                "token_type": "Bearer",
                "expires_in": 7_776_000,
            }
            return ToldOfAnswer(token)
        left: int = body.pop("attempts_left")
        assert body == {"success": False, "message": "Invalid OTP"}
        return ToldOfAnswer(attempts_left=left)


def _refused(answer: httpx.Response, code: str) -> int:
    """Give the seconds that a refusal of the main family names, twice."""
    body: dict[str, Any] = answer.json()
    assert set(body) == {"error", "code", "retry_after"}
    assert answer.status_code == (503 if code == "delivery_failed" else 429)
    assert body["code"] == code
    seconds = int(answer.headers["retry-after"])
    assert body["retry_after"] == seconds
    return seconds
