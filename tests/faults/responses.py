"""The error responses that are allowed while a part of the service is unavailable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

LEGACY_PREFIX: Final = "Internal server error 500 Internal Server Error: "


@dataclass(frozen=True, slots=True)
class AllowedError:
    """An error of the main API; `message` is set where clients compare it."""

    status: int
    code: str
    message: str | None = None
    has_details: bool = False

    def matches(self, response: httpx.Response) -> bool:
        """Return whether the response is this error, with everything that belongs to it."""
        body = response.json()
        if (response.status_code, body.get("code")) != (self.status, self.code):
            return False
        if self.message is not None and body["error"] != self.message:
            return False
        if self.status == 503:
            assert int(response.headers["Retry-After"]) == body["retry_after"], response.headers
        assert body["error"], body
        assert not self.has_details or body["details"], body
        return True


_UNAVAILABLE: Final = AllowedError(503, "unavailable")
_DELIVERY_FAILED: Final = AllowedError(503, "delivery_failed")
_FILE_NOT_STORED: Final = AllowedError(
    500, "storage_failed", "Failed to upload file to S3", has_details=True
)
_STORE_NOT_RESPONDING: Final = AllowedError(
    503, "unavailable", "Failed to upload file to S3", has_details=True
)
_NO_UPLOAD_SPACE: Final = AllowedError(
    503, "unavailable", "There is no space for this upload now. Try again shortly."
)
_ITEM_NOT_SAVED: Final = AllowedError(
    500, "storage_failed", "Failed to save library item", has_details=True
)
_LIBRARY_NOT_READ: Final = AllowedError(
    500, "storage_failed", "Failed to fetch library items", has_details=True
)
_USER_NOT_SAVED: Final = AllowedError(500, "storage_failed", "User creation failed")

ALLOWED_ERRORS: Final[Mapping[str, tuple[AllowedError, ...]]] = {
    "POST /auth/request-otp": (_UNAVAILABLE, _DELIVERY_FAILED),
    "POST /auth/verify-otp": (_UNAVAILABLE,),
    "POST /auth/logout": (_UNAVAILABLE,),
    "POST /users": (_USER_NOT_SAVED,),
    "GET /users/me": (_UNAVAILABLE,),
    "DELETE /users/me": (_UNAVAILABLE,),
    "POST /library/upload": (
        *(_FILE_NOT_STORED, _STORE_NOT_RESPONDING, _ITEM_NOT_SAVED, _NO_UPLOAD_SPACE),
    ),
    "GET /library": (_LIBRARY_NOT_READ,),
    "DELETE /library/{id}": (_UNAVAILABLE,),
    "GET /media/{folder}/{name}": (_UNAVAILABLE,),
}


def is_success(response: httpx.Response, operation: str, *statuses: int) -> bool:
    """Return whether the response has one of the statuses.

    Args:
        response: The response.
        operation: Its method and path, as in `ALLOWED_ERRORS`.
        statuses: The statuses of a success.

    Raises:
        AssertionError: the response is neither a success nor an error that is allowed.
    """
    described = f"{operation}: {response.status_code} {response.text[:300]}"
    assert response.headers["X-Request-Id"], described
    if response.headers.get("Content-Type", "").startswith("application/json"):
        assert response.headers["Cache-Control"] == "no-store", described
    if response.status_code in statuses:
        return True
    if operation.startswith("POST /authenticate/"):
        body = response.json()
        codes = (response.status_code, body["exit_code"], body["status_code"])
        assert codes == (500, 5, 500), described
        assert body["message"] == "failed", described
        assert body["error"].startswith(LEGACY_PREFIX), described
    else:
        assert any(error.matches(response) for error in ALLOWED_ERRORS[operation]), described
    return False
