"""A client of a service that signs in with the code in its terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.client import bearer, open_client, open_session
from tests.support.service import Service, running


@dataclass(slots=True)
class Walker:
    """A client, and the service that prints its codes."""

    service: Service
    http: httpx.Client
    phone: str = ""
    user_id: str = ""

    def sign_in(self, phone: str, **fields: Any) -> dict[str, Any]:
        """Request and verify a code, and send the token from now on; return the response."""
        verified = open_session(self.service, phone, **fields)
        self.http.headers.update(bearer(verified["access_token"]))
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
    with running(folder, settings) as service, open_client(service) as http:
        yield Walker(service, http)
