"""What a client may be told while a part of the service is away: the contract's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

OLDER: Final = "Internal server error 500 Internal Server Error: "


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of the main family; `error` is quoted where clients know the sentence."""

    status: int
    code: str
    error: str | None = None

    def is_told_by(self, answer: httpx.Response) -> bool:
        """Whether this is what the answer says, and whether it says all that belongs to it."""
        body = answer.json()
        if (answer.status_code, body.get("code")) != (self.status, self.code):
            return False
        if self.status == 503:
            assert int(answer.headers["Retry-After"]) == body["retry_after"], answer.headers
        if self.error is not None and self.error != "User creation failed":
            assert body["details"], body
        return bool(body["error"]) if self.error is None else body["error"] == self.error


_UNAVAILABLE: Final = Refusal(503, "unavailable")
_NOT_SENT: Final = Refusal(503, "delivery_failed")
_FILE: Final = Refusal(500, "storage_failed", "Failed to upload file to S3")
_ITEM: Final = Refusal(500, "storage_failed", "Failed to save library item")
_PAGE: Final = Refusal(500, "storage_failed", "Failed to fetch library items")
_USER: Final = Refusal(500, "storage_failed", "User creation failed")

REFUSALS: Final[Mapping[str, tuple[Refusal, ...]]] = {
    "POST /auth/request-otp": (_UNAVAILABLE, _NOT_SENT),
    "POST /auth/verify-otp": (_UNAVAILABLE,),
    "POST /auth/logout": (_UNAVAILABLE,),
    "POST /users": (_USER,),
    "GET /users/me": (_UNAVAILABLE,),
    "DELETE /users/me": (_UNAVAILABLE,),
    "POST /library/upload": (_FILE, _ITEM),
    "GET /library": (_PAGE,),
    "DELETE /library/{id}": (_UNAVAILABLE,),
    "GET /media/{key}": (_UNAVAILABLE,),
}


def is_done(answer: httpx.Response, what: str, *done: int) -> bool:
    """Say whether the service did it; fails at an answer that this path does not have."""
    told = f"{what}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["X-Request-Id"], told
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        assert answer.headers["Cache-Control"] == "no-store", told
    if answer.status_code in done:
        return True
    if what.startswith("POST /authenticate/"):
        body = answer.json()
        assert (answer.status_code, body["exit_code"], body["status_code"]) == (500, 5, 500), told
        assert (body["message"], body["error"].startswith(OLDER)) == ("failed", True), told
    else:
        assert any(one.is_told_by(answer) for one in REFUSALS[what]), told
    return False
