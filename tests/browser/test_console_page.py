"""The console in Chromium: what staff does in it, and what nobody can do with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import pytest

from tests.browser.authenticator import add_authenticator
from tests.browser.chromium import Chromium, Page
from tests.browser.console import (
    act,
    click,
    enroll,
    fill,
    heading,
    open_address,
    run,
    shown,
)
from tests.browser.sample_service import running_console
from tests.support.client import sign_in, sign_up, upload_item
from tests.support.images import plain_jpeg
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.service import REASON, ForkedService

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

USER: Final = "+14155580002"
STRANGER: Final = "+14155580009"
HOSTILE: Final = "<img src=x onerror=alert(1)>"
OLD_BROWSER: Final = """
    if (globalThis.PublicKeyCredential) {
        delete PublicKeyCredential.parseRequestOptionsFromJSON;
        delete PublicKeyCredential.parseCreationOptionsFromJSON;
        delete PublicKeyCredential.prototype.toJSON;
    }
"""
"""What browsers of before 2025 lack."""
ACTS: Final[tuple[tuple[str, dict[str, str], str], ...]] = (
    ("Reset the limits", {}, "The limits are reset"),
    ("End all sessions", {}, "Sessions that have ended: 1"),
    ("Block the phone", {}, "Phone blocked"),
    ("Unblock the phone", {}, "Phone unblocked"),
    ("Change the username", {"new_username": "User 4711"}, "User renamed"),
    ("Change the external id", {"new_external_id": "a|1"}, "External id changed"),
    ("Give a role", {"role": "moderator"}, "User promoted"),
    ("Make a member", {}, "User demoted"),
    ("Export all data", {}, "The download begins"),
    ("Take the number away", {}, "User detached"),
    ("Change the number", {"new_phone": "+14155580003"}, "Phone number changed"),
    ("Delete the account", {}, "Account deleted"),
)
"""Title, fields and what the page says then; one after the other for one account, whose one session
they end."""
SHOW_NUMBER: Final = "Show the full number"
INVITE: Final = "Let this person add a passkey"


@pytest.fixture(scope="module")
def app_origin() -> Iterator[str]:
    """The origin of a web app whose host is below that of the service."""
    with HttpServer(_respond) as pages:
        yield f"http://app.localhost:{urlsplit(pages.url).port}"


def _respond(exchange: Exchange) -> None:
    exchange.respond(200, b"<!DOCTYPE html><title>A web app</title>", {"Content-Type": "text/html"})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, app_origin: str) -> Iterator[ForkedService]:
    folder = tmp_path_factory.mktemp("console") / "service"
    with running_console(folder, {"DIALTONE_WEB_ORIGINS": app_origin}) as started:
        yield started


@pytest.fixture
def operator(service: ForkedService, phone: str) -> str:
    """The phone of an administrator, whose name is `operator` and this number."""
    sign_up(service, phone, f"operator {phone}")
    promoted = service.run("user", "promote", phone, *REASON)
    assert promoted.returncode == 0, promoted.stderr
    return phone


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """A page of an older browser, which may report no error."""
    with chromium.page("about:blank", is_private=True) as opened:
        opened.call("Page.addScriptToEvaluateOnNewDocument", source=OLD_BROWSER)
        opened.call("Log.enable")
        opened.call("Runtime.enable")
        chromium.reports.clear()
        yield opened
        assert [report for report in chromium.reports if not is_expected(report)] == []


def is_expected(report: dict[str, Any]) -> bool:
    """Return whether the browser's console has an error of the service, and none of the page."""
    return "the server responded with a status of 4" in report.get("entry", {}).get("text", "")


def ask_api(page: Page, path: str) -> Any:
    """Return a response of the API in the session of the page."""
    token = "sessionStorage.getItem('dialtone-console-token')"
    return page.run(
        f"""const headers = {{ Authorization: `Bearer ${{{token}}}` }};
        return (await fetch({json.dumps(path)}, {{ headers }})).json();"""
    )


def requests_to(page: Page, path: str) -> int:
    """Return how often the page sent a request to a path."""
    script = "return performance.getEntriesByType('resource').map(({name}) => name);"
    return sum(urlsplit(name).path == path for name in page.run(script))


def answer(page: Page, path: str, body: object, media_type: str = "application/json") -> None:
    """Answer requests of the page to a path in place of the service, with JSON or a text."""
    text = body if isinstance(body, str) else json.dumps(body)
    page.run(
        f"""const send = fetch;
        window.fetch = async (url, options) => url.split("?")[0] === {json.dumps(path)}
            ? new Response({json.dumps(text)},
                {{ headers: {{ "Content-Type": {json.dumps(media_type)} }} }})
            : send(url, options);"""
    )


def test_each_act_for_a_user_is_done_once_and_says_so(
    page: Page, service: ForkedService, operator: str, tmp_path: Path
) -> None:
    enroll(page, service, operator)
    sign_up(service, USER, HOSTILE)
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    click(page, "People")
    fill(page, text=USER)
    click(page, "Search")
    assert "+1*" in heading(page, HOSTILE)
    click(page, SHOW_NUMBER)
    heading(page, f"{SHOW_NUMBER}?")
    click(page, SHOW_NUMBER)
    assert "reason" in shown(page, "#field-reason-error").lower()
    fill(page, reason="call back")
    click(page, SHOW_NUMBER)
    assert USER in heading(page, f"The full number of {HOSTILE}")
    click(page, "Back")
    other_session = jwt.decode(sign_in(service, USER), options={"verify_signature": False})["sid"]
    acts = (("End one session", {"session_id": other_session}, "Session ended"), *ACTS)
    for title, fields, message in acts:
        assert act(page, title, **fields).startswith(message), title
        if title == "Give a role":
            click(page, INVITE)
            fill(page, reason="first day")
            click(page, INVITE)
            assert "/console#" in heading(page, "A link for User 4711")
            click(page, "Back")
    assert "Data that remains after the deletion" in heading(page, "Deleted account")
    assert {act["title"] for act in ask_api(page, "/admin/session")["acts"]} == {
        title for title, *_ in acts
    }
    service.wait_for(lambda: any(tmp_path.glob("*.zip")))


def test_a_phone_without_an_account_is_in_memory_only(
    page: Page, service: ForkedService, operator: str
) -> None:
    enroll(page, service, operator)
    click(page, "People")
    fill(page, text=STRANGER)
    click(page, "Search")
    assert act(page, "Block the phone") == "Phone blocked"
    assert page.run("return location.hash;") == "#/people/phone"
    page.reload()
    heading(page, "People")


def test_pictures_blocks_audit_and_statistics(
    page: Page, service: ForkedService, operator: str
) -> None:
    enroll(page, service, operator)
    owner = sign_up(service, "+14155580021", "Mira")
    item = upload_item(service, owner, plain_jpeg(640, 480))
    open_address(page, f"#/library/{item['id']}")
    for title, message in (
        ("Hide the picture", "The picture is hidden."),
        ("Show the picture again", "The picture is shown again."),
        ("Delete the picture", "The picture is deleted."),
    ):
        assert act(page, title) == message

    click(page, "Blocks")
    fill(page, kind="country", subject="nowhere", hours="2", reason="pumping")
    click(page, "Add the block")
    assert shown(page, "#field-subject-error")
    fill(page, subject="KP")
    click(page, "Add the block")
    assert shown(page, "#message").startswith("The block is active.")
    assert act(page, "End KP", title="End the block of KP") == "The block has ended."

    open_address(page, "#/audit")
    fill(page, user="Mira", actor=f"operator {operator}")
    click(page, "Show")
    assert shown(page, "main p a") == "See this person"
    assert "delete_item" in page.run("return document.body.innerText;")
    assert owner.user_id in page.run("return location.hash;")
    open_address(page, "#/statistics?hours=24&by=channel")
    fill(page, hours="", **{"from": "yesterday"})
    click(page, "Show")
    assert shown(page, "#field-from-error")


def test_passkeys_are_added_used_and_removed_with_the_keyboard_alone(
    page: Page, service: ForkedService, operator: str
) -> None:
    laptop = enroll(page, service, operator)

    def press(what: str) -> None:
        page.tab_to(what)
        page.press("Enter")

    press("Skip to the content")
    assert page.run("return document.activeElement.tagName;") == "H1"
    press("Add a passkey")
    heading(page, "Add a passkey")
    page.tab_to("field-name")
    page.insert("key")
    press("Make the passkey")
    assert "already has a passkey of this account" in shown(page, "form > .error")
    page.call("WebAuthn.setAutomaticPresenceSimulation", authenticatorId=laptop, enabled=False)
    key = add_authenticator(page, "usb")
    press("Make the passkey")  # the first passkey is not asked for again
    assert shown(page, "#message").startswith("The passkey is added.")
    press("Remove key")
    heading(page, "Remove the passkey key?")
    press("Remove the passkey")
    assert "The passkey is removed." in heading(page, "Sign in")
    page.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=key)
    page.call("WebAuthn.setAutomaticPresenceSimulation", authenticatorId=laptop, enabled=True)
    press("Use a passkey")
    heading(page, "Overview")


def test_several_readings_recordings_and_answers_of_something_else(
    page: Page, service: ForkedService, operator: str
) -> None:
    enroll(page, service, operator)
    found = ask_api(page, f"/admin/users/{ask_api(page, '/admin/session')['user_id']}")
    other = {**found, "account": None, "number": "+1********09"}
    answer(page, "/admin/users/search", {**found, "other_readings": [other]})
    open_address(page, "#/people")
    fill(page, text="4155580009")
    click(page, "Search")
    assert shown(page, "h2") == "This may mean 2 people"
    assert "+1********09, a phone without an account" in shown(page, "#content .acts")

    call = {
        "id": "1" * 24, "direction": "inbound", "status": "completed", "outcome": "feedback",
        "started_at": "2026-05-01T09:30:00.000Z", "duration_seconds": 72, "path": ["main_menu"],
        "user_id": None, "caller_verified": False,
        "recordings": [{"duration_seconds": 17, "recorded_at": "2026-05-01T09:31:00.000Z"}],
    }  # fmt: skip
    answer(page, "/admin/calls", {"calls": [call], "next_cursor": None})
    answer(page, f"/admin/calls/{call['id']}/recording", "sound", "audio/mpeg")
    open_address(page, "#/calls")
    click(page, "Listen, 17 s")
    run(page, "await wait(() => document.querySelector('audio')?.src.startsWith('blob:'));")

    answer(page, "/admin/blocks", "<!doctype html><title>Sign in</title>", "text/html")
    assert "Is there a sign-in of your network" in open_address(page, "#/blocks")
    with page.loading():
        click(page, "Load the page again")
    heading(page, "Blocks")


def test_the_sign_in_leads_back_and_nothing_is_shown_after_the_end(
    page: Page, service: ForkedService, operator: str
) -> None:
    enroll(page, service, operator)
    user = sign_up(service, "+14155580031", "Liv")
    address = f"#/people/{user.user_id}"
    assert "Liv" in open_address(page, address)
    ended = service.run("user", "sign-out", operator, *REASON)
    assert ended.returncode == 0, ended.stderr
    click(page, "Block the phone")
    assert "Liv" not in heading(page, "Sign in")
    click(page, "Use a passkey")
    heading(page, "Block the phone?")
    open_address(page, address)
    click(page, "Sign out")
    assert "You are signed out." in heading(page, "Sign in")
    page.run("history.back();")
    run(page, "await wait(() => location.hash.includes('people'));")
    assert "Liv" not in heading(page, "Sign in")
    page.run("""document.getElementById("content").append("what the browser kept");
        dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));""")
    assert "kept" not in heading(page, "Sign in")


def test_what_needs_a_fresh_sign_in_asks_first_and_is_sent_once(
    page: Page, service: ForkedService, operator: str
) -> None:
    laptop = enroll(page, service, operator)
    user = sign_up(service, "+14155580041", "Ana")
    open_address(page, f"#/people/{user.user_id}/delete")
    page.run("const now = Date.now; Date.now = () => now() + 16 * 60_000;")
    page.call("WebAuthn.setUserVerified", authenticatorId=laptop, isUserVerified=False)
    fill(page, reason="ticket 4711")
    click(page, "Delete the account")
    assert "Nothing was sent" in shown(page, "form > .error")
    page.call("WebAuthn.setUserVerified", authenticatorId=laptop, isUserVerified=True)
    assert page.run("return document.getElementById('field-reason').value;") == "ticket 4711"
    run(
        page,
        """const button = find("Delete the account");
        const event = () => new Event("submit", { cancelable: true });
        button.form.dispatchEvent(event());
        button.form.dispatchEvent(event());""",
    )
    heading(page, "Deleted account")
    assert requests_to(page, "/admin/users/delete") == 1
    assert requests_to(page, "/admin/session/options") == 2


def test_each_tab_has_a_session_of_its_own(
    chromium: Chromium, service: ForkedService, operator: str
) -> None:
    with chromium.page("about:blank") as first, chromium.page("about:blank") as second:
        first.call("Page.bringToFront")  # passkeys need the focus
        laptop = enroll(first, service, operator)
        [credential] = first.call("WebAuthn.getCredentials", authenticatorId=laptop)["credentials"]
        second.open(f"{service.url}/console#/passkeys")
        heading(second, "Sign in")
        second.call("Page.bringToFront")
        second.call("WebAuthn.enable")
        copy = add_authenticator(second)
        second.call("WebAuthn.addCredential", authenticatorId=copy, credential=credential)
        click(second, "Use a passkey")
        heading(second, "Your passkeys")
        assert "Audit" in open_address(first, "#/audit")
        click(second, "Sign out")
        heading(second, "Sign in")
        assert "This instance is ready" in open_address(first, "#/")


def test_an_older_page_loads_itself_again_once(
    page: Page, service: ForkedService, operator: str, chromium: Chromium
) -> None:
    enroll(page, service, operator)
    source = """addEventListener("DOMContentLoaded", () => {
        document.documentElement.dataset.version = "older";
    });"""
    page.call("Page.addScriptToEvaluateOnNewDocument", source=source)
    loads = chromium.loads[page.session]
    page.reload()
    with page.loading():
        pass
    heading(page, "Your passkeys")
    assert chromium.loads[page.session] == loads + 2


def test_the_policy_runs_no_script_of_a_text_and_sends_nothing_elsewhere(
    page: Page, service: ForkedService, chromium: Chromium
) -> None:
    page.open(f"{service.url}/console")
    heading(page, "Sign in")
    result = page.run(
        """const results = [];
        try { document.body.innerHTML = "<b>x</b>"; } catch (error) { results.push(error.name); }
        const script = document.createElement("script");
        try { script.textContent = "window.ran = 1"; } catch (error) { results.push(error.name); }
        document.body.append(script);
        const sent = fetch("https://example.org").catch(error => error.name);
        return [...results, await sent, window.ran ?? 0];"""
    )
    assert result == ["TypeError"] * 3 + [0]
    assert chromium.reports, "the browser reports what it has blocked"
    chromium.reports.clear()


def test_pages_of_other_origins_get_no_session(
    page: Page, service: ForkedService, operator: str, app_origin: str, chromium: Chromium
) -> None:
    """Also where a listed web app asks for the passkey of the console, and its owner agrees."""
    enroll(page, service, operator)
    page.open(f"{app_origin}/")
    result = page.run(
        f"""const send = (path, body) => fetch({json.dumps(service.url)} + path, {{
            method: "POST",
            headers: {{ "Content-Type": "application/json" }},
            body: JSON.stringify(body),
        }});
        try {{ return (await send("/admin/session/options", {{}})).status; }}
        catch (error) {{ return error.name; }}"""
    )
    assert result == "TypeError"
    chromium.reports.clear()
    page.open(f"http://127.0.0.1:{service.port}/console")
    click(page, "Use a passkey")
    assert "Pages of this origin may not do this" in shown(page, "form > .error")
