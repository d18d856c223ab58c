"""What the page of the console shows, and what each role sees of it."""

import re
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from application.principal import Principal
from domain.administration.scopes import Scope
from domain.identities.role import Role, Staff
from tests.integration.entrypoints.http.administration import (
    ADMINISTRATOR,
    USER,
    AdminDriver,
    open_admin_driver,
)
from tests.support.app_harness import CONSOLE_COOKIE_NAME
from tests.support.builders import NOW, a_phone, a_session, a_user, an_id, an_identity
from tests.support.client import bearer
from tests.support.images import still_gif
from tests.support.voice.builders import a_call, a_recording
from tests.support.voice.stored import voice_repositories


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


async def open_session(driver: AdminDriver, role: Role) -> str:
    """Open a session of the console for another person with this role."""
    number = 50 + [*Role].index(role)
    person = an_identity(id=an_id(number), phone=a_phone(number), staff=Staff(role))
    assert await driver.harness.use_cases.repositories.identities.add(person)
    return await driver.harness.open_console(person.id)


async def test_each_role_sees_the_fields_of_a_user_that_it_may(driver: AdminDriver) -> None:
    path = f"/admin/users/{driver.user_id}"
    support = await open_session(driver, Role.SUPPORT)
    auditor = await open_session(driver, Role.AUDITOR)
    details = {
        "administrator": (await driver.get(path)).json(),
        "support": (await driver.get(path, support)).json(),
        "auditor": (await driver.get(path, auditor)).json(),
        "token": (await driver.get(path, await driver.make_token(Scope.READ_USERS))).json(),
    }

    def who_sees(field: str) -> set[str]:
        return {who for who, shown in details.items() if field in shown}

    assert who_sees("staff_passkeys") == {"administrator"}
    assert who_sees("calls") == {"administrator", "auditor", "token"}
    assert who_sees("retained") == {"administrator"}
    assert who_sees("acts") == {"administrator", "support", "auditor"}
    assert "delete" in details["administrator"]["acts"]
    assert "block" in details["support"]["acts"]
    assert "delete" not in details["support"]["acts"]
    assert (details["auditor"]["acts"], details["support"]["why_no_acts"]) == ([], "")
    assert details["auditor"]["why_no_acts"].startswith("Your role can see this person")

    own = (await driver.get(f"/admin/users/{driver.administrator_id}")).json()
    assert (own["acts"], own["why_no_acts"][:6]) == ([], "Not on")
    await driver.post("delete", {"id": driver.user_id, "reason": "she asked"})
    deleted = (await driver.get(path, support)).json()
    assert (deleted["acts"], deleted["why_no_acts"]) == ([], "")
    assert {"data", "reason", "until"} == {*deleted["retained"][0]}


async def test_a_text_finds_all_that_it_may_mean(driver: AdminDriver) -> None:
    named = an_identity(id=an_id(60), phone=a_phone(60), user=a_user("4155550001"))
    assert await driver.harness.use_cases.repositories.identities.add(named)

    async def search(**body: Any) -> Any:
        return (await driver.post("search", body)).json()

    found = await search(text="(415) 555-0001")
    assert (found["subject"], found["other_readings"]) == (driver.user_id, [])
    found = await search(text="4155550001")
    assert found["subject"] == driver.user_id
    assert [other["subject"] for other in found["other_readings"]] == [named.id]
    assert found["number"] == USER.masked
    assert (await search(text=USER.e164, reason="call back"))["number"] == USER.e164
    assert (await search(text="nobody at all"))["code"] == "user_not_found"
    for body in ({"text": "\n"}, {"text": "x", "id": driver.user_id}):
        assert [*(await search(**body))["errors"]] == ["text"]
    token = await driver.make_token(Scope.READ_USERS)
    refused = await driver.post("search", {"text": USER.e164}, token)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_the_overview_has_numbers_for_who_may_read_statistics(driver: AdminDriver) -> None:
    support = await open_session(driver, Role.SUPPORT)
    overview = (await driver.get("/admin/overview")).json()
    assert overview["is_ready"] is True
    assert (overview["parts"]["database"], overview["parts"]["media"]) == ("ok", "ok")
    assert overview["users"] == {"total": 1, "is_estimate": False}
    assert overview["last_24_hours"].keys() > {"sent", "logins", "rejected"}
    without = {**overview, "users": None, "last_24_hours": None}
    assert (await driver.get("/admin/overview", support)).json() == without


async def test_a_picture_has_a_thumbnail_also_when_it_is_hidden(driver: AdminDriver) -> None:
    owner = driver.harness.database.identities[driver.user_id].value
    principal = Principal(owner, a_session(), has_recent_login=True)
    item = await driver.harness.upload_image(principal, still_gif())
    path = f"/admin/library/{item.item.id}"
    await driver.http.post(
        f"{path}/hide",
        json={"reason": "x"},
        headers=bearer(driver.administrator),
    )
    image = await driver.get(f"{path}/file")
    thumbnail = await driver.get(f"{path}/thumbnail")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/gif")
    assert thumbnail.content == image.content


async def test_statistics_are_a_file_for_spreadsheets(driver: AdminDriver) -> None:
    response = await driver.get("/admin/statistics?by=channel&format=csv")
    assert response.headers["content-type"].startswith("text/csv")
    assert response.headers["content-disposition"].startswith('attachment; filename="statistics-')
    assert response.text.startswith('"channel","sent",')
    invalid = await driver.get("/admin/statistics?format=xml")
    assert [*invalid.json()["errors"]] == ["format"]


async def test_the_audit_is_filtered_by_user_and_actor_together(driver: AdminDriver) -> None:
    support = await open_session(driver, Role.SUPPORT)
    for act in ("block", "unblock"):
        await driver.post(act, {"id": driver.user_id, "reason": "report"})
        await driver.post("sign-out", {"id": driver.user_id, "reason": "ticket"}, support)
        driver.harness.advance(seconds=1)
    path = f"/admin/audit?user={driver.user_id}&actor=administrator:{driver.administrator_id}"
    page = (await driver.get(f"{path}&limit=1")).json()
    entries, pages = page["entries"], 1
    while cursor := page["next_cursor"]:
        page = (await driver.get(f"{path}&limit=1&cursor={cursor}")).json()
        entries, pages = entries + page["entries"], pages + 1
    assert [entry["action"] for entry in entries] == ["unblock", "block"]
    assert pages == 4


async def test_people_who_may_read_and_hear_calls_and_no_token(driver: AdminDriver) -> None:
    call = a_call(id=an_id(1), started_at=NOW, recordings=(a_recording(),))
    assert await voice_repositories(driver.harness.database).calls.add(call)
    driver.harness.call_provider.recordings[a_recording().id] = b"sound"
    recording = f"/admin/calls/{call.id}/recording"

    [shown] = (await driver.get("/admin/calls")).json()["calls"]
    assert (shown["id"], len(shown["recordings"])) == (call.id, 1)
    assert (await driver.get(recording)).content == b"sound"
    assert driver.acts[-1][:2] == ("listen", call.id)
    auditor = await open_session(driver, Role.AUDITOR)
    [seen] = (await driver.get("/admin/calls", auditor)).json()["calls"]
    assert "recordings" not in seen
    support = await open_session(driver, Role.SUPPORT)
    token = await driver.make_token(Role.ADMINISTRATOR)
    for path, who in (
        (recording, auditor), ("/admin/calls", support), ("/admin/calls", token), (recording, token)
    ):  # fmt: skip
        response = await driver.get(path, who)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def make_link(driver: AdminDriver) -> str:
    body = {"id": driver.user_id, "reason": "she asked"}
    made = await driver.post("export-link", body)
    assert made.status_code == 200, made.text
    path: str = made.json()["path"]
    return path


async def test_a_link_to_an_export_works_once_in_its_browser(driver: AdminDriver) -> None:
    path, cookie = await make_link(driver), driver.http.cookies[CONSOLE_COOKIE_NAME]
    assert driver.acts == []
    driver.http.cookies.clear()
    assert (await driver.http.get(path)).status_code == 404
    driver.http.cookies.set(CONSOLE_COOKIE_NAME, "0d" * 32)
    assert (await driver.http.get(path)).status_code == 404
    driver.http.cookies.set(CONSOLE_COOKIE_NAME, cookie)
    assert (await driver.http.head(path)).status_code == 200
    downloaded = await driver.http.get(path)
    assert downloaded.headers["content-disposition"].startswith("attachment; ")
    assert "account.json" in ZipFile(BytesIO(downloaded.content)).namelist()
    assert driver.acts == [("export", driver.user_id, None)]
    again = await driver.http.get(path)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_a_link_to_an_export_ends_after_a_minute_and_with_its_session(
    driver: AdminDriver,
) -> None:
    path = await make_link(driver)
    driver.harness.advance(seconds=60)
    assert (await driver.http.get(path)).status_code == 404
    path = await make_link(driver)
    await driver.http.delete("/admin/session", headers=bearer(driver.administrator))
    assert (await driver.http.get(path)).status_code == 404
    driver.harness.advance(hours=1)
    report = await driver.harness.operations.cleanup()
    assert report["expired_export_links"] == 2
    assert driver.acts == []
    token = await driver.make_token(Scope.EXPORT_USERS)
    refused = await driver.post("export-link", token=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_the_owner_sees_which_session_is_one_of_the_console(driver: AdminDriver) -> None:
    by_code = await driver.harness.access_token(ADMINISTRATOR)
    await driver.harness.open_console(driver.administrator_id)
    sessions = (await driver.get("/auth/sessions", by_code)).json()["sessions"]
    shown = [(each["current"], each["is_console"]) for each in sessions]
    assert shown.count((True, False)) == shown.count((False, True)) == 1


async def test_the_page_runs_its_own_scripts_only_and_needs_no_session(driver: AdminDriver) -> None:
    page = await driver.http.get("/console")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    rules = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "blob:",
        "media-src": "blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert page.headers["referrer-policy"] == "no-referrer"
    scripts = re.findall(r'src="(/console/[^"]+)"', page.text)
    version = (await driver.get("/admin/session")).json()["page"]
    assert f'data-version="{version}"' in page.text
    for path in scripts:
        assert (await driver.http.get(path)).headers["content-type"].startswith("text/javascript")
