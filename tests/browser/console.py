"""The console in Chromium: an administrator with a passkey, and what is on a page."""

import json
from typing import Any

from tests.browser.authenticator import add_authenticator
from tests.browser.chromium import WAIT, Page
from tests.support.service import REASON, Service

_FUNCTIONS = f"""
    {WAIT}
    const find = (text) => [...document.querySelectorAll("a, button")]
        .find(each => each.innerText === text && !each.disabled);
    const isNew = () => {{
        const heading = document.querySelector("h1");
        return heading && !heading.dataset.old && heading.innerText;
    }};
    const mark = () => document.querySelector("h1")?.setAttribute("data-old", "yes");
"""


def run(page: Page, script: str) -> Any:
    """Run a script with `wait`, and `find(text)` of a link or a button."""
    return page.run(_FUNCTIONS + script)


def heading(page: Page, text: str) -> str:
    """Wait for the page with this heading; return its text."""
    shown: str = run(
        page,
        f"""await wait(() => document.querySelector("h1")?.innerText === {json.dumps(text)});
        return document.body.innerText;""",
    )
    return shown


def open_address(page: Page, address: str) -> str:
    """Open a page of the console by its fragment; return its text."""
    shown: str = run(
        page,
        f"""mark();
        if (location.hash === {json.dumps(address)}) dispatchEvent(new Event("hashchange"));
        location.hash = {json.dumps(address)};
        await wait(isNew);
        await wait(() => [...document.images].every(image => image.naturalWidth));
        return document.body.innerText;""",
    )
    return shown


def click(page: Page, text: str) -> None:
    """Click the link or the button with this text."""
    run(page, f"(await wait(() => find({json.dumps(text)}))).click();")


def fill(page: Page, **fields: str) -> None:
    """Write into fields of a form."""
    for name, value in fields.items():
        run(
            page,
            f"""(await wait(() => document.getElementById("field-{name}"))).value =
                {json.dumps(value)};""",
        )


def shown(page: Page, selector: str) -> str:
    """Wait for an element with a text; return it."""
    text: str = run(
        page,
        f"""return await wait(() => {{
            const element = document.querySelector({json.dumps(selector)});
            return element?.checkVisibility() && element.innerText;
        }});""",
    )
    return text


def act(page: Page, link: str, *, title: str = "", **fields: str) -> str:
    """Open the page of an act, send its form, and return what the next page says."""
    title = title or link
    click(page, link)
    heading(page, f"{title}?")
    fill(page, **{"reason": "ticket 4711", **fields})
    click(page, title)
    return shown(page, "#message")


def invite(service: Service, phone: str) -> str:
    """Return a link that adds a passkey."""
    invited = service.run("user", "passkey-invite", phone, *REASON)
    assert invited.returncode == 0, invited.stderr
    return invited.stdout.strip()


def enroll(page: Page, service: Service, phone: str, name: str = "laptop") -> str:
    """Sign in to the console with a new passkey; return the id of its authenticator."""
    page.call("WebAuthn.enable")
    authenticator = add_authenticator(page)
    page.open("about:blank")  # a link with another fragment only loads no page
    page.open(invite(service, phone))
    heading(page, "Add a passkey")
    fill(page, name=name)
    click(page, "Make the passkey")
    heading(page, "Your passkeys")
    return authenticator
