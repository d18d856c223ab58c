"""The mobile app, as far as it uses the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.client import Account, bearer
from tests.support.service import Service


@dataclass(frozen=True, slots=True)
class App:
    """Sends the requests of the mobile app in their order, and checks only that they succeed.

    `headers` are those of uploads.
    """

    service: Service
    http: httpx.AsyncClient
    headers: Mapping[str, str] = field(default_factory=dict)

    async def sign_in(self, phone: str) -> str:
        """Request and verify a code; return the access token."""
        earlier = len(self.service.messages(phone))
        requested = await self.http.post("/auth/request-otp", json={"phone": phone})
        assert requested.status_code == 200, requested.text
        number = max(1, earlier + requested.json()["sent"])
        body = {"phone": phone, "otp": self.service.code(phone, number)}
        verified = await self.http.post("/auth/verify-otp", json=body)
        assert verified.json()["success"] is True, verified.text
        token: str = verified.json()["access_token"]
        return token

    async def sign_up(self, phone: str, username: str | None = None) -> Account:
        """Sign in and create a user."""
        token = await self.sign_in(phone)
        body = {"username": username or f"user {phone}", "number": phone}
        created = await self.http.post("/users", json=body, headers=bearer(token))
        assert created.status_code == 201, created.text
        return Account(phone, token, created.json()["user_id"])

    async def upload(self, account: Account, content: bytes, **fields: str) -> httpx.Response:
        """Upload an image."""
        return await self.http.post(
            "/library/upload",
            files={"file": ("IMG_0001.JPG", content, "image/jpeg")},
            data={"user_id": account.user_id, **fields},
            headers={**account.headers, **self.headers},
        )

    async def upload_item(self, account: Account, content: bytes, **fields: str) -> dict[str, Any]:
        """Upload a valid image; return the library item."""
        response = await self.upload(account, content, **fields)
        assert response.status_code == 201, response.text
        item: dict[str, Any] = response.json()
        return item
