"""Roles in the web console: the pages of each, what nobody does to whom, and blocks."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

import httpx
import pytest

from application.features.blocks.feature import BlocksFeature
from domain.features.blocks import Block
from domain.identities.role import Role
from tests.integration.entrypoints.http.features.console.pages import ConsoleDriver, open_console
from tests.support.acts import BY_COMMAND
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id

# Roles in the web console: the pages of each, and what nobody does to whom

PAGES: Final = {
    "": {"support", "moderator", "auditor"},
    "/users": {"support", "auditor"},
    "/statistics": {"auditor"},
    "/blocks": {"auditor"},
    "/library": {"moderator", "auditor"},
    "/audit": {"auditor"},
}
"""The pages, and whose they are besides administrators'."""


def links(page: httpx.Response) -> set[str]:
    return {*re.findall(r'href="(/console[^"?]*)"', page.text)}


@pytest.mark.parametrize("role", ["support", "moderator", "auditor", "administrator"])
async def test_each_role_has_its_pages_only_in_the_menu_and_by_their_address(role: str) -> None:
    async with open_console(AppHarness(), role=Role(role)) as console:
        menu = links(await console.get(""))
        for path, roles in PAGES.items():
            is_own = role in {*roles, "administrator"}
            page = await console.get(path)
            assert (page.status_code, f"/console{path}" in menu) == (
                200 if is_own else 403,
                is_own,
            ), path
            assert is_own or "Your role does not allow this." in page.text


async def user_page(console: ConsoleDriver, phone: int) -> tuple[str, httpx.Response]:
    """Return the id of a user, and the page."""
    found = await console.harness.administration.find_user(a_phone(phone))
    user_id = found.require_identity().id
    return user_id, await console.get(f"/users/{user_id}")


async def test_support_helps_members_and_nobody_of_the_staff() -> None:
    harness = AppHarness()
    await harness.add_user(a_phone(1), "Rahul")
    await harness.add_administrator(a_phone(3))
    async with open_console(harness, role=Role.SUPPORT) as console:
        member, page = await user_page(console, 1)
        offered = {path.rpartition("/")[2] for path in links(page) if f"/users/{member}/" in path}
        assert offered == {"reset-limits", "sign-out", "block"}
        for other in ("/console/audit", "/console/library", "calls"):
            assert other not in page.text
        assert (await console.post(f"/users/{member}/block", reason="x")).status_code == 303
        assert (await console.get(f"/users/{member}/unblock")).status_code == 200
        for name in ("delete", "export", "number", "change-phone", "promote", "demote"):
            assert (await console.get(f"/users/{member}/{name}")).status_code == 403, name
            assert (await console.post(f"/users/{member}/{name}", reason="x")).status_code == 403
        for phone, why in ((3, "This is an account of the staff"), (2, "own account")):
            user_id, page = await user_page(console, phone)
            assert (f"/users/{user_id}/" in page.text, why in page.text) == (False, True)
            for send in (console.get, console.post):
                refused = await send(f"/users/{user_id}/block")
                assert (refused.status_code, why in refused.text) == (403, True)


# The page of blocks in the web console: what is active, a new one, and its end

SENT: Final = {
    "kind": "prefix",
    "subject": "+44 79",
    "hours": "3",
    "reason": "<i>pumping, +1 415 555 2671",
}


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    async with open_console(AppHarness(), has_passkey=True) as opened:
        yield opened


async def active(console: ConsoleDriver) -> Sequence[Block]:
    return await console.harness.use_cases.of(BlocksFeature).list(BY_COMMAND)


async def test_a_block_is_added_shown_and_ended(console: ConsoleDriver) -> None:
    added = await console.post("/blocks", **SENT)
    assert added.headers["location"] == "/console/blocks?done=block_added"
    (block,) = await active(console)
    page = await console.get("/blocks")
    for text in ("prefix +4479", "&lt;i&gt;pumping, +* *** *** ****", block.id):
        assert text in page.text, text
    path = f"/blocks/{block.id}/end"
    assert "Say why." in (await console.post(path, reason=" ")).text
    for done in ("block_ended", "block_ended_before"):
        ended = await console.post(path, reason="over")
        assert ended.headers["location"] == f"/console/blocks?done={done}"
    assert await active(console) == []
    audited = [entry.action.value for entry in console.harness.database.audit_entries]
    assert audited == ["add_block", "end_block"]


async def test_without_a_passkey_blocks_are_shown_with_the_way_to_one() -> None:
    async with open_console(AppHarness()) as console:
        page = await console.get("/blocks")
        assert (page.status_code, "sign in with a passkey" in page.text) == (200, True)
        assert "<form" not in page.text.partition("<main")[2]
        for path in ("/blocks", f"/blocks/{an_id(1)}/end"):
            led = await console.post(path, **SENT)
            assert (led.status_code, "/console/sign-in" in led.headers["location"]) == (303, True)
        assert await active(console) == []
