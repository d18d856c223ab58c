"""The error responses that are allowed while a part of the service is unavailable."""

from collections.abc import Mapping, Set
from typing import Final

import httpx

_UNAVAILABLE: Final = (503, "unavailable")
_NOT_STORED: Final = (500, "storage_failed")
ALLOWED_ERRORS: Final[Mapping[str, Set[tuple[int, str]]]] = {
    "POST /auth/request-otp": {_UNAVAILABLE, (503, "delivery_failed")},
    "POST /auth/verify-otp": {_UNAVAILABLE},
    "POST /auth/logout": {_UNAVAILABLE},
    "POST /users": {_NOT_STORED},
    "GET /users/me": {_UNAVAILABLE},
    "DELETE /users/me": {_UNAVAILABLE},
    "POST /library/upload": {_NOT_STORED, _UNAVAILABLE, (507, "storage_full")},
    "GET /library": {_NOT_STORED},
    "DELETE /library/{id}": {_UNAVAILABLE},
    "GET /media/{folder}/{name}": {_UNAVAILABLE},
}
"""The status and the code of each error of an operation."""


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
    body = response.json()
    if operation.startswith("POST /authenticate/"):
        assert (response.status_code, body["exit_code"]) == (500, 5), described
        return False
    assert (response.status_code, body["code"]) in ALLOWED_ERRORS[operation], described
    if response.status_code == 503:
        assert int(response.headers["Retry-After"]) == body["retry_after"], described
    return False
