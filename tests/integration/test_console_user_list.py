"""The list of all users in the web console."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.console import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    harness = AppHarness()
    await harness.add_user(a_phone(1), "<b>Rahul")
    async with open_console(harness) as opened:
        yield opened


def rows(page: httpx.Response) -> int:
    return page.text.count('<th scope="row">')


async def test_users_are_listed_for_a_reason_by_each_filter_with_masked_numbers(
    console: ConsoleDriver,
) -> None:
    assert rows(await console.get("/user-list")) == 0
    for fields, number in (
        ({}, 2),
        ({"role": "administrator"}, 1),
        ({"blocked": "true"}, 0),
        ({"created_since": "2100-01-01"}, 0),
    ):
        page = await console.post("/user-list", reason="review", **fields)
        assert (page.status_code, rows(page)) == (200, number), fields
    page = await console.post("/user-list", reason="review")
    assert "&lt;b&gt;Rahul" in page.text
    assert a_phone(1).masked in page.text
    assert a_phone(1).e164 not in page.text
    (entry,) = console.harness.database.audit_entries
    assert (entry.action.value, entry.reason, entry.count) == ("list_users", "review", 5)


async def test_a_wrong_form_says_what_is_wrong_and_shows_nobody(console: ConsoleDriver) -> None:
    for fields, message in (
        ({"reason": " "}, "Say why."),
        ({"created_since": "May"}, "Send a time like"),
        ({"blocked": "true", "role": "member"}, "Choose only one of the three"),
        ({"role": "king"}, "Choose one of the list."),
        ({"cursor": "x"}, 'role="alert"'),
    ):
        page = await console.post("/user-list", **{"reason": "review", **fields})
        assert (page.status_code, message in page.text, rows(page)) == (400, True, 0), fields
    assert console.harness.database.audit_entries == []


async def test_a_button_leads_to_the_next_page_with_the_same_filter_and_reason() -> None:
    harness = AppHarness()
    for number in range(3, 56):
        await harness.log_in(a_phone(number))
    async with open_console(harness) as console:
        first = await console.post("/user-list", reason="review", blocked="false")
        form = first.text.partition("</table>")[2]
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        fields.pop("form_token")
        second = await console.post("/user-list", **fields)
    assert (rows(first), rows(second), fields["reason"]) == (50, 4, "review")
