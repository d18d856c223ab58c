"""The page of blocks in the web console: what is active, a new one, and its end."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest

from application.features.blocks.feature import BlocksFeature
from domain.features.blocks import Block
from tests.integration.entrypoints.http.features.console.pages import ConsoleDriver, open_console
from tests.support.acts import BY_COMMAND
from tests.support.app_harness import AppHarness
from tests.support.builders import an_id

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
