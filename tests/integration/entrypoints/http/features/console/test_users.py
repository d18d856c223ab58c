"""The pages of a user in the web console: what is known, what is done, and the audit of it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from typing import Final
from urllib.parse import quote
from zipfile import ZipFile

import httpx
import pytest

from application.administration.operator import operating_system_user
from domain.identities.identity import Identity
from tests.integration.entrypoints.http.features.console.pages import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone

PHONE: Final = a_phone(1)
STRANGER: Final = a_phone(9)
OPERATOR: Final = operating_system_user("alice", "bob")
REASON: Final = "called from +1 415 555 2671"
MASKED_REASON: Final = "called from +* *** *** ****"


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    harness = AppHarness()
    await harness.add_user(PHONE, "<b>Rahul")
    async with open_console(harness) as opened:
        yield opened


def user_id(console: ConsoleDriver) -> str:
    return stored(console).id


def stored(console: ConsoleDriver) -> Identity:
    identities = console.harness.database.identities.values()
    [user] = [row.value for row in identities if row.value.id != console.administrator_id]
    identity: Identity = user
    return identity


async def act(console: ConsoleDriver, name: str, **fields: str) -> httpx.Response:
    """Open the page that asks, and send its form."""
    path = f"/users/{user_id(console)}/{name}"
    confirmation = await console.get(path)
    assert (confirmation.status_code, f'action="/console{path}"' in confirmation.text) == (
        200,
        True,
    )
    form = {"reason": REASON, **hidden_fields(confirmation), **fields}
    return await console.post(path, **form)


def hidden_fields(page: httpx.Response) -> dict[str, str]:
    main = page.text.partition("<main")[2].partition("</form>")[0]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', main))
    fields.pop("form_token")
    return fields


def audited(console: ConsoleDriver) -> list[tuple[str, str, str]]:
    return [
        (entry.action.value, entry.subject, entry.reason)
        for entry in console.harness.database.audit_entries
    ]


async def test_a_search_by_phone_name_or_id_leads_to_the_user(console: ConsoleDriver) -> None:
    for text in (PHONE.e164, "<B>RAHUL", user_id(console)):
        found = await console.post("/users", user=text)
        location = f"/console/users/{user_id(console)}"
        assert (found.status_code, found.headers["location"]) == (303, location)


async def test_the_page_shows_what_user_show_shows_with_a_masked_number(
    console: ConsoleDriver,
) -> None:
    await console.harness.request_otp(PHONE)
    page = await console.get(f"/users/{user_id(console)}")
    for text in (
        "<h1>&lt;b&gt;Rahul</h1>",
        user_id(console),
        PHONE.masked,
        "Phone hash",
        "messages: ",
        "5 left for the code that expires at",
        "Resets left",
        "accepted",
        "Quota items",
    ):
        assert text in page.text, text
    assert PHONE.e164 not in page.text
    assert audited(console) == []


async def test_acts_are_done_audited_and_lead_back_to_the_page(console: ConsoleDriver) -> None:
    for name, action, fields, check in (
        ("reset-limits", "reset_limits", {}, lambda: True),
        ("block", "block", {}, lambda: stored(console).is_blocked),
        ("unblock", "unblock", {}, lambda: not stored(console).is_blocked),
        ("sign-out", "sign_out", {}, lambda: not stored(console).sessions),
        ("promote", "promote", {"role": "support"}, lambda: stored(console).is_staff),
        ("demote", "demote", {}, lambda: not stored(console).is_staff),
        (
            "external-id",
            "set_external_id",
            {"external_id": "a|1"},
            lambda: stored(console).external_id,
        ),
        ("rename", "rename", {"username": "User 1"}, lambda: stored(console).username),
        ("detach", "detach", {}, lambda: stored(console).is_closed),
        ("delete", "delete", {}, lambda: stored(console).is_deleted),
    ):
        done = await act(console, name, reason=REASON, **fields)
        assert done.status_code == 303, done.text
        assert check(), name
        assert audited(console)[-1] == (action, user_id(console), MASKED_REASON)
        page = await console.http.get(done.headers["location"])
        assert 'class="message" role="status"' in page.text
    page = await console.get(f"/users/{user_id(console)}")
    assert "Data that remains after the deletion" in page.text
    assert f"/console/users/{user_id(console)}/" not in page.text
    confirmation = await console.get(f"/users/{user_id(console)}/block")
    assert confirmation.headers["location"].endswith("?done=user_deleted_before")


async def test_an_export_is_a_download_and_a_number_a_page_which_are_audited(
    console: ConsoleDriver,
) -> None:
    archive = await act(console, "export", reason=REASON)
    assert archive.headers["content-type"] == "application/zip"
    assert "index.html" in ZipFile(BytesIO(archive.content)).namelist()
    page = await act(console, "number", reason=REASON)
    assert (page.status_code, PHONE.e164 in page.text) == (200, True)
    assert audited(console) == [
        (action, user_id(console), MASKED_REASON) for action in ("export", "view_phone")
    ]
    page = await act(console, "export", reason="a" * 501)
    assert (page.status_code, "a" * 501 in page.text) == (400, True)


async def test_a_serious_act_needs_a_sign_in_within_15_minutes_and_leads_there_and_back(
    console: ConsoleDriver,
) -> None:
    names = ("number", "export", "change-phone", "delete")
    paths = [f"/users/{user_id(console)}/{name}" for name in names]
    for path in paths:
        assert "This is possible until" in (await console.get(path)).text
    for _ in range(2):
        console.harness.clock.advance(timedelta(minutes=8))
        await console.get("/users")
    for path in paths:
        target = f"/console/sign-in?next={quote(f'/console{path}', safe='')}&again=yes"
        for response in (await console.get(path), await console.post(path)):
            assert (response.status_code, response.headers["location"]) == (303, target)
        assert "This needs a sign-in within" in (await console.http.get(target)).text
    assert audited(console) == []


async def test_a_phone_without_an_account_is_in_no_address(console: ConsoleDriver) -> None:
    page = await console.post("/users", user=STRANGER.e164)
    assert (page.status_code, "This phone has no account." in page.text) == (200, True)
    links = re.findall(r'(?:href|action)="([^"]*)"', page.text)
    assert {link for link in links if "/users/" in link} == {
        f"/console/users/phone/{name}" for name in ("reset-limits", "block")
    }
    assert not any(STRANGER.e164[1:] in link for link in links)
    for path in ("/users/phone", "/users/phone/block"):
        opened = await console.get(path)
        assert (opened.status_code, opened.headers["location"]) == (303, "/console/users")


async def test_acts_for_a_phone_without_an_account_need_a_confirmation(
    console: ConsoleDriver,
) -> None:
    confirmation = await console.post("/users/phone/block", phone=STRANGER.e164)
    assert (confirmation.status_code, "Block the phone?" in confirmation.text) == (200, True)
    assert audited(console) == []
    wrong = await console.post(
        "/users/phone/block", **hidden_fields(confirmation), reason="a" * 501
    )
    assert (wrong.status_code, 'name="confirmed"' in wrong.text) == (400, True)
    done = await console.post("/users/phone/block", **hidden_fields(confirmation), reason=REASON)
    assert done.headers["location"] == "/console/users?done=user_blocked"
    page = await console.post("/users/phone", phone=STRANGER.e164)
    assert "/console/users/phone/unblock" in page.text
    assert [entry[0] for entry in audited(console)] == ["block"]


async def test_a_number_is_changed_and_twice_does_nothing(console: ConsoleDriver) -> None:
    path = f"/users/{user_id(console)}/change-phone"
    assert "is free" in (await console.get(path)).text
    for done in ("phone_changed", "phone_changed_before"):
        response = await console.post(path, new_phone=STRANGER.e164, reason=REASON)
        assert response.headers["location"] == f"/console/users/{user_id(console)}?done={done}"
        assert stored(console).phone == STRANGER
    assert audited(console) == [("change_phone", user_id(console), MASKED_REASON)]


async def test_an_act_without_a_reason_or_an_entry_is_not_done_and_the_form_says_so(
    console: ConsoleDriver,
) -> None:
    for name in ("number", "block", "export"):
        page = await act(console, name, reason="  ")
        message = "Say why. The audit keeps the reason."
        assert (page.status_code, message in page.text) == (400, True)
    console.harness.faults.fail_on("audit_log.add")
    page = await act(console, "block", reason="stolen")
    assert (page.status_code, 'value="stolen"' in page.text) == (503, True)
    assert not stored(console).is_blocked
    assert audited(console) == []


# The audit: all entries, those about somebody, and those of an actor


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
        (
            {"user": user, "actor": "operating-system-user:alice"},
            f"actor=operating_system_user%3Aalice&user={user}",
            1,
        ),
    ]
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
