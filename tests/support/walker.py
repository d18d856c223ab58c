"""A client of a service that signs in with the code in its terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service


@dataclass(slots=True)
class Walker:
    """A client, and the service that prints its codes."""

    service: Service
    http: httpx.Client
    phone: str = ""
    user_id: str = ""

    def sign_in(self, phone: str, **fields: Any) -> dict[str, Any]:
        """Request and verify a code, and send the token from now on; return the response."""
        number = len(self.service.messages(phone)) + 1
        requested = self.http.post("/auth/request-otp", json={"phone": phone})
        assert requested.status_code == 200, requested.text
        assert requested.json()["message"] == "OTP sent"
        body = {"phone": phone, "otp": self.service.code(phone, number), **fields}
        response = self.http.post("/auth/verify-otp", json=body)
        verified: dict[str, Any] = response.json()
        assert verified["success"] is True, response.text
        self.http.headers["Authorization"] = f"Bearer {verified['access_token']}"
        self.phone, self.user_id = phone, verified["user_id"]
        return verified

    def sign_up(self, phone: str, username: str, **fields: Any) -> dict[str, Any]:
        """Sign in and create a user; return the response to the code."""
        verified = self.sign_in(phone, **fields)
        created = self.http.post("/users", json={"username": username, "number": phone})
        assert created.status_code == 201, created.text
        assert created.json()["user_id"] == self.user_id
        return verified


@contextmanager
def walking(folder: Path, **settings: str) -> Iterator[Walker]:
    """Run a service with these settings, and return a client that has not signed in."""
    with (
        running(folder, settings) as service,
        httpx.Client(base_url=service.url, timeout=20, **PLAIN_HTTP) as http,
    ):
        yield Walker(service, http)
