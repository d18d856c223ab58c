"""The application over fakes, with a user, an administrator and service tokens."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from application.administration.operator import operating_system_user
from domain.administration.scopes import Scope
from domain.identities.role import Role
from domain.phone import PhoneNumber
from entrypoints.features.admin import ADMIN
from tests.support.app_harness import CONSOLE_COOKIE, CONSOLE_COOKIE_NAME, AppHarness
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.described import description
from tests.support.http_app import open_http_client

USER: Final = a_phone(1)
ADMINISTRATOR: Final = a_phone(2)
STRANGER: Final = a_phone(3)
"""A phone without an account."""
OPERATOR: Final = operating_system_user("alice")


def admin_operations() -> list[tuple[str, str, list[str]]]:
    """Return the method, the path and the names of the query parameters of all operations."""
    return [
        (
            method,
            re.sub("{.*?}", "1", path),
            [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"],
        )
        for path, by_method in description()["paths"].items()
        if path.startswith("/admin/")
        for method, operation in by_method.items()
    ]


@dataclass(frozen=True, slots=True)
class AdminDriver:
    """Clients of the API: a user, and an administrator in a fresh session of the console."""

    http: httpx.AsyncClient
    harness: AppHarness
    user: str
    user_id: str
    administrator: str
    administrator_id: str

    async def get(self, path: str, token: str | None = None) -> httpx.Response:
        """Send a GET request, as the administrator without another token."""
        return await self.http.get(path, headers=bearer(token or self.administrator))

    async def post(self, action: str, body: Any = None, token: str | None = None) -> httpx.Response:
        """Act for the user, or whom the body names, as the administrator or with a token."""
        return await self.http.post(
            f"/admin/users/{action}",
            json={"id": self.user_id, "reason": "ticket"} if body is None else body,
            headers=bearer(token or self.administrator),
        )

    async def make_token(self, *scopes: Scope | Role) -> str:
        """Create a service token."""
        _, text = await ADMIN.of(self.harness.use_cases).tokens.create(
            OPERATOR, "helpdesk", scopes, timedelta(days=90), "ticket"
        )
        return text

    @property
    def acts(self) -> list[tuple[str, str, str | None]]:
        """The entries of the audit: the action, the subject and the error."""
        entries = self.harness.database.audit_entries
        return [
            (entry.action.value, entry.subject, entry.error)
            for entry in entries
            if entry.actor != OPERATOR.actor
        ]

    def hash_phone(self, phone: PhoneNumber) -> str:
        """Return what the audit calls a phone without an account."""
        return self.harness.keyed_hashes.hash_phone(phone)


@asynccontextmanager
async def open_admin_driver(harness: AppHarness | None = None) -> AsyncIterator[AdminDriver]:
    """Open the application in the block."""
    harness = harness or AppHarness()
    administrator = await harness.log_in(ADMINISTRATOR)
    await harness.identities.operator_actions.change_role(
        administrator.identity.id, Role.ADMINISTRATOR
    )
    user = await harness.add_user(USER)
    user_token = await harness.access_token(USER)
    harness.advance(hours=12)
    administrator_token = await harness.open_console(administrator.identity.id)
    async with open_http_client(harness.use_cases) as http:
        http.cookies.set(CONSOLE_COOKIE_NAME, CONSOLE_COOKIE)
        yield AdminDriver(
            http,
            harness,
            user_token,
            user.identity.id,
            administrator_token,
            administrator.identity.id,
        )
