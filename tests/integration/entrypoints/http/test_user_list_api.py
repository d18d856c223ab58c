"""The list of users over HTTP."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from domain.administration.scope import Scope
from tests.integration.entrypoints.http.administration import (
    ADMINISTRATOR,
    USER,
    AdminDriver,
    open_admin_driver,
)

PATH: Final = "/admin/users"


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


def errors(body: Any) -> dict[str, str]:
    return {error["field"]: error["code"] for error in body["field_errors"]}


async def test_a_backend_lists_users_page_by_page(driver: AdminDriver) -> None:
    token = await driver.make_token(Scope.LIST_USERS)
    first = (await driver.get(f"{PATH}?limit=1", token)).json()
    rest = (await driver.get(f"{PATH}?limit=1&cursor={first['next_cursor']}", token)).json()
    administrators = (await driver.get(f"{PATH}?role=administrator", token)).json()

    assert [each["id"] for each in first["users"] + rest["users"]] == [
        driver.administrator_id,
        driver.user_id,
    ]
    assert rest["next_cursor"] is None
    assert administrators["users"] == first["users"]
    [user] = rest["users"]
    assert user["username"] is not None
    assert (user["number"], user["role"], user["blocked_at"]) == (USER.masked, "member", None)
    everything = f"{first}{rest}"
    assert USER.e164 not in everything
    assert ADMINISTRATOR.e164 not in everything
    assert driver.acts == [("list_users", "users", None)]


async def test_what_is_wrong_is_named_with_the_way_out(driver: AdminDriver) -> None:
    cursor = (await driver.get(f"{PATH}?limit=1")).json()["next_cursor"]
    for query, expected in (
        ("blocked=true&role=member", {"blocked": "conflicting_value", "role": "conflicting_value"}),
        ("role=king", {"role": "unsupported_value"}),
        ("blocked=yes", {"blocked": "unsupported_value"}),
        ("created_since=now", {"created_since": "invalid_value"}),
        ("cursor=x&limit=0", {"cursor": "invalid_cursor", "limit": "invalid_number"}),
        (f"blocked=true&cursor={cursor}", {"cursor": "invalid_cursor"}),
    ):
        response = await driver.get(f"{PATH}?{query}")
        assert (response.status_code, errors(response.json())) == (400, expected), query
