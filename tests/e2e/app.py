"""The app that exists, as far as it talks to the service."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.service import Service


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is signed in."""

    phone: str
    token: str
    user_id: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.token)


@dataclass(frozen=True, slots=True)
class App:
    """What the app does, in its order, checking nothing but that it works."""

    service: Service
    http: httpx.AsyncClient

    async def sign_in(self, phone: str) -> str:
        """Ask for a code, answer with it; gives the access token."""
        asked = await self.http.post("/auth/request-otp", json={"phone": phone})
        assert asked.status_code == 200, asked.text
        number = len(self.service.messages(phone)) or 1
        answer = {"phone": phone, "otp": self.service.code(phone, number)}
        verified = await self.http.post("/auth/verify-otp", json=answer)
        assert verified.json()["success"] is True, verified.text
        token: str = verified.json()["access_token"]
        return token

    async def join(self, phone: str, username: str | None = None) -> Account:
        """Sign in and become a user."""
        token = await self.sign_in(phone)
        body = {"username": username or f"user {phone}", "number": phone}
        created = await self.http.post("/users", json=body, headers=bearer(token))
        assert created.status_code == 201, created.text
        return Account(phone, token, created.json()["user_id"])

    async def upload(self, account: Account, content: bytes, **fields: str) -> httpx.Response:
        """Upload a picture, as a form."""
        return await self.http.post(
            "/library/upload",
            files={"file": ("IMG_0001.JPG", content, "image/jpeg")},
            data={"user_id": account.user_id, **fields},
            headers=account.headers,
        )

    async def uploaded(self, account: Account, content: bytes, **fields: str) -> dict[str, Any]:
        """Upload a picture that is taken; gives the answer."""
        answer = await self.upload(account, content, **fields)
        assert answer.status_code == 201, answer.text
        item: dict[str, Any] = answer.json()
        return item


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}
