"""A client of a service over HTTP, and the requests that most tests begin with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in user."""

    phone: str
    token: str
    user_id: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.token)


def bearer(token: str) -> dict[str, str]:
    """Return the Authorization header."""
    return {"Authorization": f"Bearer {token}"}


def open_client(service: Service, headers: Mapping[str, str] | None = None) -> httpx.Client:
    return httpx.Client(base_url=service.url, headers=headers, timeout=30, **PLAIN_HTTP)


def open_session(
    service: Service,
    phone: str,
    headers: Mapping[str, str] | None = None,
    *,
    otp: str = "",
    **fields: Any,
) -> dict[str, Any]:
    """Request and verify a code, with more fields of the body; return the response.

    `otp` is the code of a phone with a fixed one, which gets no message.
    """
    earlier = len(service.messages(phone))
    with open_client(service, headers) as http:
        requested = http.post("/auth/request-otp", json={"phone": phone})
        assert requested.status_code == 200, requested.text
        # Without a new message, the code of the one before is still valid.
        code = otp or service.code(phone, max(1, earlier + requested.json()["sent"]))
        body = {"phone": phone, "otp": code, **fields}
        verified: dict[str, Any] = http.post("/auth/verify-otp", json=body).json()
    assert verified["success"] is True, verified
    return verified


def sign_in(service: Service, phone: str, headers: Mapping[str, str] | None = None) -> str:
    """Return an access token."""
    token: str = open_session(service, phone, headers)["access_token"]
    return token


def sign_up(
    service: Service, phone: str, username: str = "", headers: Mapping[str, str] | None = None
) -> Account:
    """Sign in and create a user."""
    token = sign_in(service, phone, headers)
    body = {"username": username or f"user {phone}", "number": phone}
    with open_client(service, bearer(token)) as http:
        created = http.post("/users", json=body)
    assert created.status_code == 201, created.text
    return Account(phone, token, created.json()["user_id"])


def upload_item(
    service: Service, account: Account, content: bytes, **fields: str
) -> dict[str, Any]:
    """Upload a valid image; return the library item."""
    with open_client(service, account.headers) as http:
        response = http.post("/library/upload", **upload_form(account, content, **fields))
    assert response.status_code == 201, response.text
    item: dict[str, Any] = response.json()
    return item


def upload_form(account: Account, content: bytes, **fields: str) -> dict[str, Any]:
    """Return the body of an upload, as the mobile app sends it."""
    return {
        "files": {"file": ("IMG_0001.JPG", content, "image/jpeg")},
        "data": {"user_id": account.user_id, **fields},
    }


def me(service: Service, token: str) -> int:
    """Return the status of `GET /users/me`: 200, 404 without a user or 401 without a session."""
    with open_client(service, bearer(token)) as http:
        return http.get("/users/me").status_code
