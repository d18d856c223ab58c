"""Who calls: addresses that share no budget, and people whose tokens count."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.images import plain_jpeg
from tests.support.service import Service

PROXY_SETTINGS: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.0/8"}
"""Has the service believe the addresses that these callers say they come from."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, with a picture in the library."""

    phone: str
    username: str
    token: str
    user_id: str
    item_id: str
    file_key: str


@dataclass(frozen=True, slots=True)
class Callers:
    """Signs people in, each with a phone and an address that nobody else has."""

    service: Service
    http: httpx.Client
    _addresses: Iterator[int] = field(default_factory=lambda: itertools.count(0x0A_00_00_01))
    _phones: Iterator[int] = field(default_factory=lambda: itertools.count(2_000_000))

    def next_address(self) -> dict[str, str]:
        """A header that says where a request comes from, another place each time."""
        return {"X-Forwarded-For": str(IPv4Address(next(self._addresses)))}

    def next_phone(self) -> str:
        """A phone, E.164."""
        return f"+1415{next(self._phones)}"

    def next_token(self) -> str:
        """Sign somebody in who was not there before."""
        return self._signed_in(self.next_phone())

    def settle(self) -> Person:
        """Have somebody sign in, become a user and upload a picture."""
        phone = self.next_phone()
        username = f"Rahul {phone}"
        token = self._signed_in(phone)
        bearer = {"Authorization": f"Bearer {token}"}
        user = self._post("/users", json={"username": username, "number": phone}, headers=bearer)
        user_id = user["user_id"]
        item = self._post(
            "/library/upload",
            files={"file": ("IMG_0001.JPG", plain_jpeg(8, 6))},
            data={"user_id": user_id},
            headers=bearer,
        )
        file_key = PurePosixPath(urlsplit(item["url"]).path).name
        return Person(phone, username, token, user_id, item["id"], file_key)

    def upload(self, person: Person) -> str:
        """Upload one picture more; gives its id."""
        item: str = self._post(
            "/library/upload",
            files={"file": ("IMG_0002.JPG", plain_jpeg(8, 6))},
            data={"user_id": person.user_id},
            headers={"Authorization": f"Bearer {person.token}"},
        )["id"]
        return item

    def _signed_in(self, phone: str) -> str:
        address = self.next_address()
        self._post("/auth/request-otp", json={"phone": phone}, headers=address)
        answer = {"phone": phone, "otp": self.service.code(phone)}
        token: str = self._post("/auth/verify-otp", json=answer, headers=address)["access_token"]
        return token

    def _post(self, path: str, **content: Any) -> Any:
        answer = self.http.post(path, **content)
        assert answer.is_success, answer.text
        return answer.json()
