"""The page at `/`, and what somebody does there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import WAIT, Page
from tests.browser.sample_service import PROJECT
from tests.support.service import Service

_FUNCTIONS: Final = f"""
    {WAIT}
    const find = (id) => document.getElementById(id);
    const isShown = (id) => find(id).checkVisibility();
    const text = (id) => find(id).innerText;
    const send = (input, text) => {{
        find(input).value = text;
        find(input).form.requestSubmit();
    }};
"""


def run(page: Page, script: str) -> Any:
    """Run a script with `wait`, `find`, `isShown`, `text` and `send(input, text)`, by their ids."""
    return page.run(_FUNCTIONS + script)


def go_through_states(
    page: Page, service: Service, folder: Path, phone: str, username: str
) -> Iterator[str]:
    """Go through the states of the page, and return each. No account has the phone yet."""
    run(page, "await wait(() => isShown('phone-form'));")
    yield "start"
    run(page, "send('phone', '12'); await wait(() => text('phone-error'));")
    yield "wrong phone"
    run(page, f"send('phone', '{phone}'); await wait(() => isShown('message'));")
    yield "code"
    code = service.code(phone)
    wrong = "000000" if code != "000000" else "000001"
    run(page, f"send('otp', '{wrong}'); await wait(() => text('otp-error'));")
    yield "wrong code"
    run(page, f"send('otp', '{code}'); await wait(() => isShown('user-form'));")
    yield "no username"
    run(page, f"send('username', '{username}'); await wait(() => isShown('library-empty'));")
    yield "no pictures"
    photo = folder / "harbor.jpg"
    photo.write_bytes((PROJECT / "docs/images/example.jpg").read_bytes())
    page.choose_file("#file", photo)
    loaded = "document.querySelector('#library img')?.naturalWidth"
    run(page, f"send('category', 'art'); await wait(() => {loaded});")
    yield "pictures"
    run(page, "find('sign-out').click(); await wait(() => isShown('phone-form'));")
    yield "signed out"
