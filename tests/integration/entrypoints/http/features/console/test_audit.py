"""The audit in the web console: all entries, those about somebody, and those of an actor."""

import re
from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

from application.administration.operator import operating_system_user
from tests.integration.entrypoints.http.features.console.pages import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id

PHONE: Final = a_phone(1)
STRANGER: Final = a_phone(9)
OPERATOR: Final = operating_system_user("alice", "bob")


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    harness = AppHarness()
    await harness.add_user(PHONE, "Rahul Sharma")
    async with open_console(harness) as opened:
        yield opened


def user_id(console: ConsoleDriver) -> str:
    identities = [row.value.id for row in console.harness.database.identities.values()]
    [found] = [each for each in identities if each != console.administrator_id]
    return found


async def block(console: ConsoleDriver, reason: str = "stolen") -> None:
    await console.harness.administration.act_for_users.block(OPERATOR, PHONE, reason)


def rows(page: httpx.Response) -> int:
    return page.text.count('<th scope="row">')


async def test_an_entry_says_who_did_what_to_whom_when_and_why(console: ConsoleDriver) -> None:
    await block(console, "<i>stolen")
    page = await console.get("/audit")
    for text in ("block", user_id(console), "alice", "(bob)", "a claim", "&lt;i&gt;stolen"):
        assert text in page.text, text
    console.harness.faults.fail_on("identities.replace")
    await console.post(f"/users/{user_id(console)}/sign-out", reason="x")
    assert "failed: storage_unavailable" in (await console.get("/audit")).text


async def test_entries_are_filtered_by_forms_so_that_no_phone_gets_into_an_address(
    console: ConsoleDriver,
) -> None:
    await block(console)
    await console.post("/users/phone/block", phone=STRANGER.e164, confirmed="yes", reason="x")
    user, administrator = user_id(console), f"administrator%3A{console.administrator_id}"
    stranger = console.harness.keyed_hashes.hash_phone(STRANGER)
    filters: list[tuple[dict[str, str], str, int]] = [
        ({"user": PHONE.e164}, f"user={user}", 1),
        ({"user": STRANGER.e164}, f"user={stranger}", 1),
        ({"actor": a_phone(2).e164}, f"actor={administrator}", 1),
        ({"actor": "operating-system-user:alice"}, "actor=operating_system_user%3Aalice", 1),
        (
            {"user": user, "actor": f"service_token:{an_id(5)}"},
            f"actor=service_token%3A{an_id(5)}&user={user}", 0,
        ),
    ]  # fmt: skip
    for fields, query, number in filters:
        chosen = await console.post("/audit", **fields)
        assert chosen.headers["location"] == f"/console/audit?{query}"
        page = await console.http.get(chosen.headers["location"])
        assert rows(page) == number, fields


async def test_pages_lead_to_each_other_and_keep_the_filter(console: ConsoleDriver) -> None:
    for _ in range(53):
        await block(console)
    numbers, path = [], f"/console/audit?user={user_id(console)}"
    while path:
        page = await console.http.get(path)
        numbers.append(rows(page))
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert numbers == [50, 3]
