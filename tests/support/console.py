"""The console of the staff in a browser with an authenticator."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from application.administration.operator import operating_system_user
from domain.identities.identity import Identity
from tests.support.app_harness import PASSKEY_ORIGIN, AppHarness
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.http_app import open_http_client
from tests.support.http_settings import AppSettings, make_http_settings

STAFF: Final = a_phone(2)
USER: Final = a_phone(3)
SESSION: Final = "/admin/session"
PASSKEYS: Final = "/admin/passkeys"
BY_COMMAND: Final = operating_system_user("root")


def a_device(number: int = 1) -> SoftwareAuthenticator:
    """Return a device with another credential for each number."""
    return SoftwareAuthenticator(PASSKEY_ORIGIN, credential_id=bytes([number]) * 16)


@dataclass
class Console:
    """A browser with a device, in which an administrator acts for a user.

    The browser keeps its cookies in `http`. `token` is what the tab has.
    """

    harness: AppHarness
    http: httpx.AsyncClient
    staff_id: str
    user_id: str
    token: str = ""
    device: SoftwareAuthenticator = field(default_factory=a_device)

    @property
    def staff(self) -> Identity:
        """The administrator as stored."""
        return self.harness.database.identities[self.staff_id].value

    async def send(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> httpx.Response:
        """Send a request with the token of the tab, or another; none if it is empty."""
        token = self.token if token is None else token
        headers = bearer(token) if token else {}
        return await self.http.request(method, path, json=body, headers=headers)

    async def code(self, method: str, path: str, body: Any = None, token: str | None = None) -> str:
        """Return the code of the error of a response, or its status."""
        response = await self.send(method, path, body, token)
        return str(response.status_code if response.is_success else response.json()["code"])

    async def invite(self, user_id: str = "") -> str:
        """Return the secret of a link that a command makes, for the administrator by default."""
        user_id = user_id or self.staff_id
        link = await self.harness.staff_passkeys.passkeys.invite(BY_COMMAND, user_id, "first day")
        return link.partition("#")[2]

    async def touch(self, purpose: str, token: str | None = None) -> dict[str, Any]:
        """Return a fresh answer of the device."""
        options = await self.send("POST", f"{SESSION}/touch", {"purpose": purpose}, token)
        assert options.status_code == 200, options.text
        return self.answer(options)

    def answer(self, options: httpx.Response) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            self.device.get(json.dumps(options.json()["publicKey"]))
        )
        return answer

    async def make(
        self, device: SoftwareAuthenticator, **proof: Any
    ) -> tuple[httpx.Response, dict[str, Any]]:
        """Return the response with options, and the credential that a device makes of them."""
        secret = {name: proof[name] for name in proof.keys() & {"secret"}}
        options = await self.send("POST", f"{PASSKEYS}/options", secret, "" if secret else None)
        if not options.is_success:
            return options, {}
        return options, json.loads(device.create(json.dumps(options.json()["publicKey"])))

    async def add(
        self, device: SoftwareAuthenticator, name: str = "laptop", **proof: Any
    ) -> httpx.Response:
        """Add the passkey of a device: with `secret`, or in the session with `touch`."""
        options, credential = await self.make(device, **proof)
        if not options.is_success:
            return options
        body = {**proof, "credential": credential, "name": name}
        return await self.send("POST", PASSKEYS, body, "" if "secret" in proof else None)

    async def add_first(self) -> str:
        """Add the passkey of the device by a link, and return the token of the new session."""
        added = await self.add(self.device, secret=await self.invite())
        assert added.status_code == 200, added.text
        self.token = added.json()["access_token"]
        return self.token

    async def ask_to_sign_in(self, **fields: Any) -> httpx.Response:
        options = await self.send("POST", f"{SESSION}/options", token="")
        body = {"credential": self.answer(options), **fields}
        return await self.send("POST", SESSION, body, token="")

    async def sign_in(self, **fields: Any) -> str:
        """Sign in, and return the token, which is that of the tab now."""
        signed_in = await self.ask_to_sign_in(**fields)
        assert signed_in.status_code == 200, signed_in.text
        self.token = signed_in.json()["access_token"]
        return self.token

    async def act(self, act: str, token: str | None = None, **fields: Any) -> httpx.Response:
        """Act for the user."""
        return await self.send("POST", f"/admin/users/{act}", {"id": self.user_id, **fields}, token)


@asynccontextmanager
async def open_console(
    harness: AppHarness | None = None,
    public_url: str = "http://test",
    settings: AppSettings | None = None,
) -> AsyncIterator[Console]:
    """Open the application in the block, with an administrator who has no passkey yet."""
    harness = harness or AppHarness()
    staff = await harness.add_administrator(STAFF)
    user = await harness.add_user(USER)
    settings = settings or make_http_settings(public_url)
    async with open_http_client(harness.use_cases, settings) as http:
        yield Console(harness, http, staff.identity.id, user.identity.id)
