"""Clients with an IP of their own each, and signed-in users."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.support.client import Account, sign_in, sign_up, upload_item
from tests.support.images import plain_jpeg
from tests.support.service import Service

PROXY_SETTINGS: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.0/8"}
"""Makes the service trust the client IPs that the tests send."""


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in user with an image in the library."""

    account: Account
    username: str
    item_id: str
    storage_key: str


@dataclass(frozen=True, slots=True)
class People:
    """Signs users in, each with a new phone and a new IP."""

    service: Service
    http: httpx.Client
    _ips: Iterator[int] = field(default_factory=lambda: itertools.count(0x0A_00_00_01))
    _phones: Iterator[int] = field(default_factory=lambda: itertools.count(2_000_000))

    def next_ip(self) -> dict[str, str]:
        """Return a header with a new client IP."""
        return {"X-Forwarded-For": str(IPv4Address(next(self._ips)))}

    def next_phone(self) -> str:
        """Return a new phone, in E.164."""
        return f"+1415{next(self._phones)}"

    def next_token(self) -> str:
        """Sign a new identity in; return its access token."""
        return sign_in(self.service, self.next_phone(), self.next_ip())

    def add_person(self) -> Person:
        """Sign a new identity in, create a user and upload an image."""
        phone = self.next_phone()
        username = f"Rahul {phone}"
        account = sign_up(self.service, phone, username, self.next_ip())
        item = self.upload(account)
        storage_key = urlsplit(item["url"]).path.removeprefix("/media/")
        return Person(account, username, item["id"], storage_key)

    def upload(self, account: Account) -> dict[str, Any]:
        """Upload an image; return the item."""
        return upload_item(self.service, account, plain_jpeg(8, 6))
