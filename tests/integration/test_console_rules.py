"""The page of rules in the web console: what is active, what a new one will do, and its end."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

import httpx
import pytest

from application.rules.feature import RulesFeature
from domain.rules.rule import Rule
from tests.integration.console import ConsoleDriver, open_console
from tests.support.acts import BY_COMMAND
from tests.support.app_harness import AppHarness
from tests.support.builders import an_id

BLOCKED: Final = {"subject_kind": "prefix", "subject": "+44 79"}
SENT: Final = {"duration": "3h", "reason": "<i>pumping, +1 415 555 2671"}


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    async with open_console(AppHarness(), has_passkey=True) as opened:
        yield opened


async def active(console: ConsoleDriver) -> Sequence[Rule]:
    return await console.harness.use_cases.of(RulesFeature).list(BY_COMMAND)


def hidden_fields(page: httpx.Response) -> dict[str, str]:
    form = page.text.partition("<main")[2].partition("</form>")[0]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    fields.pop("form_token")
    return fields


async def test_a_rule_is_shown_before_it_is_added_once_and_ends(console: ConsoleDriver) -> None:
    preview = await console.post("/rules/block", **BLOCKED, **SENT)
    assert "Numbers that begin with +4479 get no codes" in preview.text
    assert await active(console) == []
    fields = hidden_fields(preview) | {"reason": SENT["reason"]}
    for done in ("rule_added", "rule_added_before"):
        added = await console.post("/rules/block", **fields)
        assert added.headers["location"] == f"/console/rules?done={done}"
    (rule,) = await active(console)
    page = await console.get("/rules")
    for text in ("block prefix +4479", "&lt;i&gt;pumping, +* *** *** ****", rule.id):
        assert text in page.text, text
    path = f"/rules/{rule.id}/end"
    assert "Say why." in (await console.post(path, reason=" ")).text
    for done in ("rule_ended", "rule_ended_before"):
        ended = await console.post(path, reason="over")
        assert ended.headers["location"] == f"/console/rules?done={done}"
    assert await active(console) == []
    audited = [entry.action.value for entry in console.harness.database.audit_entries]
    assert audited == ["add_rule", "end_rule"]


async def test_the_preview_of_a_limit_compares_it_with_its_setting_and_can_be_changed(
    console: ConsoleDriver,
) -> None:
    sent = {"limit": "unverified_per_country", "value": "7", "country": "gb", **SENT}
    preview = await console.post("/rules/limit", **sent)
    assert "unverified_per_country is 7 for GB, in place of " in preview.text
    form = await console.post("/rules/limit", **hidden_fields(preview), changed="yes")
    assert (form.status_code, 'value="7"' in form.text, 'name="ends_at"' in form.text) == (
        200,
        True,
        True,
    )
    assert await active(console) == []


async def test_a_wrong_rule_says_what_is_wrong_and_keeps_what_was_typed(
    console: ConsoleDriver,
) -> None:
    for kind, fields, field in (
        ("block", {**BLOCKED, "subject": "4479"}, "subject"),
        ("block", {**BLOCKED, "subject": "", **SENT}, "subject"),
        ("block", {**BLOCKED, "subject_kind": "x"}, "subject_kind"),
        ("block", {**BLOCKED, "duration": ""}, "duration"),
        ("block", {**BLOCKED, "ends_at": "tomorrow"}, "ends_at"),
        ("block", {**BLOCKED, "reason": " "}, "reason"),
        ("limit", {"limit": "per_ip", "value": "1"}, "limit"),
        ("limit", {"limit": "unverified_total", "value": "many"}, "value"),
        ("limit", {"limit": "unverified_per_country", "value": "1"}, "country"),
        ("limit", {"limit": "unverified_total", "value": "1", "prefix": "+44"}, "prefix"),
        ("limit", {"limit": "unverified_total", "value": "99999999"}, "value"),
    ):
        page = await console.post(f"/rules/{kind}", **{**SENT, **fields})
        assert (page.status_code, f'id="{field}-error"' in page.text) == (400, True), fields
        assert "&lt;i&gt;pumping" in page.text or fields.get("reason")
    assert await active(console) == []


async def test_who_blocks_the_own_number_is_warned(console: ConsoleDriver) -> None:
    preview = await console.post("/rules/block", subject_kind="country", subject="US", **SENT)
    assert "Your own number is among these." in preview.text


async def test_without_a_passkey_rules_are_shown_with_the_way_to_one() -> None:
    async with open_console(AppHarness()) as console:
        page = await console.get("/rules")
        assert (page.status_code, "sign in with a passkey" in page.text) == (200, True)
        assert 'href="/console/rules/block"' not in page.text
        for path in ("/rules/block", f"/rules/{an_id(1)}/end"):
            led = await console.post(path, **BLOCKED, **SENT)
            assert (led.status_code, "/console/sign-in" in led.headers["location"]) == (303, True)
        assert await active(console) == []


async def test_fifty_rules_are_enough(console: ConsoleDriver) -> None:
    fields = {**BLOCKED, **SENT, "confirmed": "yes"}
    for number in range(50):
        await console.post("/rules/block", **{**fields, "subject": f"+4479{number:02}"})
    page = await console.post("/rules/block", **{**fields, "subject": "+4478"})
    assert (page.status_code >= 400, "end one first" in page.text) == (True, True)
    assert len(await active(console)) == 50
